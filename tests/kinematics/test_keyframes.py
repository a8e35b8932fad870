"""Which moments of a climb are kept, and why."""

import pytest

from consumer.kinematics.climbs import Climbs
from consumer.kinematics.falls import Fall
from consumer.kinematics.findings import Findings
from consumer.kinematics.keyframes import APART_S, HESITATIONS, MAX_FRAMES, moments
from consumer.kinematics.method import Ground
from consumer.kinematics.track import follow
from consumer.media.facts import Moment, even_times
from core.result import Event, EventKind
from tests.kinematics.walls import TORSO, climbing

SECONDS = 60.0


def found(*falls: Fall, attempts: tuple[tuple[int, int], ...] = ((20, 550),)) -> Findings:
    seen = climbing(SECONDS, lambda t: (0, t / 10))
    bodies = [None] * len(seen.t)
    ground = Ground(method="pose", seen=seen, bodies=bodies, confidence=1, pose_rate=1, codes=())
    return Findings(ground=ground, track=follow(seen, TORSO), climbs=Climbs(attempts=attempts, falls=falls))


def event(kind: EventKind, t: float, t1: float | None = None) -> Event:
    return Event(kind=kind, t=t, t1=t1, confidence=0.9)


def times(kept: tuple[Moment, ...], why: str) -> list[float]:
    return [pytest.approx(one.t, abs=0.01) for one in kept if one.why == why]


def test_without_a_climb_they_are_spread_evenly() -> None:
    assert moments(found(attempts=()), (), SECONDS) == even_times(SECONDS)


def test_start_and_end_are_those_of_the_climb() -> None:
    kept = moments(found(), (), SECONDS)
    assert [(one.why, one.sharpest) for one in kept] == [("start", True), ("end", True)]
    assert (times(kept, "start"), times(kept, "end")) == ([2.0], [55.0])


def test_the_drop_that_is_kept_is_the_deepest_and_not_the_longest() -> None:
    slow = Fall(start=100, end=130, depth=1.2, speed=3.0)
    deep = Fall(start=300, end=306, depth=3.0, speed=9.0)
    kept = moments(found(slow, deep), (event("drop", 10.0, 13.0), event("fall", 30.0, 30.6)), SECONDS)
    assert times(kept, "drop") == [30.0]
    assert all(one.sharpest for one in kept)


def test_the_longest_hesitations_and_the_longest_rest_are_kept_in_their_middle() -> None:
    stuck = [event("hesitation", 5.0 + 5 * k, 6.0 + 5 * k + 0.2 * k) for k in range(5)]
    rests = [event("rest", 35.0, 36.0), event("rest", 40.0, 44.0)]
    kept = moments(found(), (*stuck, *rests), SECONDS)
    middles = [(one.t + (one.t1 or 0)) / 2 for one in stuck]
    assert times(kept, "hesitation") == middles[-HESITATIONS:]
    assert times(kept, "rest") == [42.0]


def test_placements_fill_what_is_left_spread_over_the_climb() -> None:
    put = tuple(event("placement", 3.0 + k) for k in range(50))
    kept = moments(found(), put, SECONDS)
    assert len(kept) == MAX_FRAMES
    placed = [one.t for one in kept if one.why == "placement"]
    assert placed[0] == 3.0
    assert placed[-1] == 52.0
    assert [one.t for one in kept] == sorted(one.t for one in kept)


def test_two_moments_that_are_one_picture_are_kept_once() -> None:
    put = (event("placement", 2.0 + APART_S / 2), event("placement", 2.0 + 2 * APART_S))
    assert times(moments(found(), put, SECONDS), "placement") == [2.0 + 2 * APART_S]
