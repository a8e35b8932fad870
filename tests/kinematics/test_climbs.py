from itertools import pairwise

import numpy as np
import pytest

from consumer.kinematics.climbs import Climbs, by_blob, by_posture
from consumer.kinematics.phases import phases
from consumer.kinematics.sightings import Sightings
from consumer.kinematics.track import follow
from tests.kinematics.walls import TORSO, Place, climbing, sightings


def climbs(seen: Sightings) -> Climbs:
    return by_posture(seen, follow(seen, TORSO))


def test_a_climb_is_seen_from_its_first_sample_to_its_last() -> None:
    assert climbs(climbing(8, lambda t: (3, 2 + 0.5 * t))).attempts == ((0, 79),)


@pytest.mark.parametrize(
    "hip",
    [lambda t: (0.5 * t, 1.7), lambda _: (3, 1.7), lambda t: (3, 1.7 + 0.03 * np.sin(9 * t))],
    ids=["walks", "stands", "bobs"],
)
def test_hands_down_is_no_climb(hip: Place) -> None:
    assert climbs(sightings(8, hip)).attempts == ()  # type: ignore[arg-type]  # parametrize hides the callable


def test_waving_on_the_ground_is_no_climb() -> None:
    def hands(t: float) -> tuple[Place, Place]:
        return (2.6 + np.sin(6 * t), 3.5), (3.4 + np.sin(6 * t), 3.5)

    assert climbs(sightings(8, lambda _: (3, 1.7), hands=hands)).attempts == ()


def test_reading_the_route_with_a_hand_on_the_wall_is_no_climb() -> None:
    def hands(_: float) -> tuple[Place, Place]:
        return (2.6, 3.2), (3.4, 1.7)

    assert climbs(sightings(8, lambda t: (3 + 0.1 * np.sin(t), 1.7), hands=hands)).attempts == ()


def test_coming_nearer_with_the_hands_up_is_no_climb() -> None:
    def hands(t: float) -> tuple[Place, Place]:
        return (2.6, 2 + 0.5 * t + 2), (3.4, 2 + 0.5 * t + 2)

    seen = sightings(8, lambda t: (3, 2 + 0.5 * t), hands=hands, size=lambda t: 1 + 0.4 * t)
    assert climbs(seen).attempts == ()


def test_the_walk_in_is_ground() -> None:
    up = climbing(8, lambda t: (3, 1.7 + max(0.0, 0.6 * (t - 3))))
    walk = sightings(8, lambda t: (t, 1.7))
    for name in ("wrists", "ankles", "hip", "shoulder"):
        getattr(up, name)[:30] = getattr(walk, name)[:30]
    (first, last), *others = climbs(up).attempts
    assert not others
    assert 28 <= first <= 45
    assert last == 79
    told = phases(up.t, up.somebody, climbs(up), 8.0)
    assert [phase.kind for phase in told] == ["ground", "on_wall"]


def test_a_jump_off_ends_the_climb_where_it_starts() -> None:
    def hip(t: float) -> Place:
        return (3, 2 + 0.5 * t) if t < 6 else (3, max(1.7, 5 - 0.5 * 21 * (t - 6) ** 2))

    seen = sightings(
        8,
        hip,
        hands=lambda t: (
            ((2.6, hip(np.floor(t))[1] + 1.6), (3.4, hip(np.floor(t))[1] + 1.6))
            if t < 6
            else ((2.6, hip(t)[1] + 1.5), (3.4, hip(t)[1] + 1.5))
        ),
        feet=lambda t: ((2.7, hip(t)[1] - 1.2), (3.3, hip(t)[1] - 1.2)),
    )
    found = climbs(seen)
    assert len(found.falls) == 1
    assert found.falls[0].depth > 2
    assert seen.t[found.attempts[0][1]] == pytest.approx(6, abs=0.3)
    kinds = [phase.kind for phase in phases(seen.t, seen.somebody, found, 8.0)]
    assert kinds[:2] == ["on_wall", "off_wall"]


def test_a_swing_with_a_hand_on_the_wall_is_no_fall() -> None:
    def hip(t: float) -> Place:
        return (3, 5.0) if t < 4 else (3 + min(1.2, 3 * (t - 4)), max(3.8, 5 - 5 * (t - 4)))

    hands: tuple[Place, Place] = ((3.0, 6.4), (3.4, 6.4))
    assert climbs(sightings(8, hip, hands=lambda _: hands)).falls == ()


def test_a_blob_that_goes_up_climbs_and_one_that_goes_by_does_not() -> None:
    up = sightings(8, lambda t: (3, 1 + 0.5 * t))
    by = sightings(8, lambda t: (0.6 * t, 1 + 0.3 * t))
    assert len(by_blob(up, follow(up, TORSO)).attempts) == 1
    assert by_blob(by, follow(by, TORSO)).attempts == ()


def test_phases_leave_no_gap() -> None:
    seen = sightings(8, lambda t: (t, 1.7), seen=lambda t: 2 <= t < 6)
    told = phases(seen.t, seen.somebody, climbs(seen), 8.0)
    assert [(phase.kind, phase.t0) for phase in told] == [("no_climber", 0), ("ground", 2), ("no_climber", 6)]
    assert told[-1].t1 == 8
    assert all(a.t1 == b.t0 for a, b in pairwise(told))
