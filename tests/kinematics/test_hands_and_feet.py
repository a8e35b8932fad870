from collections.abc import Callable

import numpy as np
import pytest

from consumer.kinematics.feet import cut_feet, high_steps
from consumer.kinematics.placements import dwells
from consumer.kinematics.stops import hesitations, rests
from consumer.kinematics.track import follow
from tests.kinematics.walls import TORSO, Place, sightings

RIGHT: Place = (3.4, 6.0)


def moved(t: float, *steps: tuple[float, Place]) -> Place:
    """The last place whose time has come, reached within .2 s."""
    place = steps[0][1]
    for begin, there in steps[1:]:
        share = float(np.clip((t - begin) / 0.2, 0, 1))
        place = (place[0] + (there[0] - place[0]) * share, place[1] + (there[1] - place[1]) * share)
    return place


def test_a_hand_put_to_a_new_place_is_a_placement_and_the_start_is_none() -> None:
    left = ((0.0, (2.6, 6.0)), (2.0, (2.4, 7.0)), (5.0, (2.8, 8.0)))
    seen = sightings(8, lambda _: (3, 5), hands=lambda t: (moved(t, *left), RIGHT))
    found = dwells(seen, follow(seen, TORSO), 0, 79)
    assert [(dwell.hand, dwell.new) for dwell in found] == [(0, False), (1, False), (0, True), (0, True)]
    assert 2.0 <= seen.t[found[2].first] <= 2.4


def test_a_hand_that_only_passes_is_no_placement() -> None:
    left = ((0.0, (2.6, 6.0)), (2.0, (2.4, 7.0)), (2.25, (2.6, 8.0)))
    seen = sightings(5, lambda _: (3, 5), hands=lambda t: (moved(t, *left), RIGHT))
    assert sum(dwell.new for dwell in dwells(seen, follow(seen, TORSO), 0, 49)) == 1


def test_a_short_stay_after_a_long_reach_is_a_placement() -> None:
    """A campus board: each hand stays for a quarter of a second."""
    left = ((0.0, (2.6, 6.0)), (2.0, (2.6, 7.2)), (2.5, (2.6, 8.4)), (3.0, (2.6, 9.6)))
    seen = sightings(5, lambda t: (3, 5 + max(0.0, t - 2)), hands=lambda t: (moved(t, *left), RIGHT))
    assert sum(dwell.new for dwell in dwells(seen, follow(seen, TORSO), 0, 49)) == 3


def test_a_hand_that_comes_slowly_is_put_once() -> None:
    def hand(t: float) -> Place:
        share = float(np.clip((t - 2) / 2.5, 0, 1))
        return 2.6, 6.0 + 1.2 * share * share * (3 - 2 * share)

    seen = sightings(8, lambda _: (3, 5), hands=lambda t: (hand(t), RIGHT))
    assert sum(dwell.new for dwell in dwells(seen, follow(seen, TORSO), 0, 79)) == 1


def test_the_start_hold_is_known_from_before_the_climb() -> None:
    left = ((0.0, (2.6, 6.5)), (2.0, (2.4, 7.5)))
    seen = sightings(6, lambda _: (3, 5), hands=lambda t: (moved(t, *left), (3.4, 6.5)))
    track = follow(seen, TORSO)
    # the climb begins as the hand is already on its way
    assert [dwell.hand for dwell in dwells(seen, track, 21, 59) if dwell.new] == [0]
    hanging = sightings(6, lambda _: (3, 5), hands=lambda t: (moved(t, (0.0, (2.6, 4.8)), (2.0, (2.4, 7.5))), RIGHT))
    assert not any(dwell.new for dwell in dwells(hanging, follow(hanging, TORSO), 21, 59))


def test_a_foot_put_as_high_as_the_hips_is_a_high_step_and_a_usual_step_is_none() -> None:
    def feet(high: float) -> Callable[[float], tuple[Place, Place]]:
        return lambda t: (moved(t, (0.0, (2.6, 3.6)), (3.0, (2.4, high))), (3.2, 3.6))

    for height, expected in ((4.8, [(0, 3.2)]), (4.2, [])):
        seen = sightings(8, lambda _: (3, 5), hands=lambda _: ((2.6, 7.0), RIGHT), feet=feet(height))
        found = high_steps(seen, follow(seen, TORSO), 0, 79)
        assert [(step.hand, pytest.approx(seen.t[step.first], abs=0.2)) for step in found] == expected


def test_jitter_is_no_placement() -> None:
    rng = np.random.default_rng(3)
    seen = sightings(8, lambda _: (3, 5), hands=lambda _: ((2.6 + rng.normal(0, 0.05), 6.0), RIGHT))
    found = dwells(seen, follow(seen, TORSO), 0, 79)
    assert not any(dwell.new or dwell.put for dwell in found)


def test_a_hidden_hand_is_not_counted() -> None:
    left = ((0.0, (2.6, 6.0)), (2.0, (2.4, 7.0)))
    seen = sightings(5, lambda _: (3, 5), hands=lambda t: (moved(t, *left), RIGHT), trust=0.2)
    assert dwells(seen, follow(seen, TORSO), 0, 49) == []


def test_still_with_settled_hands_and_then_on_is_a_rest() -> None:
    seen = sightings(8, lambda t: (3, 5 + max(0.0, t - 4)), hands=lambda _: ((2.6, 7.0), (3.4, 7.0)))
    track = follow(seen, TORSO)
    (rest,) = rests(track, dwells(seen, track, 0, 79), 0, 79)
    assert seen.t[rest.last] - seen.t[rest.first] > 3
    assert hesitations(track, dwells(seen, track, 0, 79), 0, 79) == []


def test_still_to_the_end_is_no_rest() -> None:
    seen = sightings(8, lambda _: (3, 5), hands=lambda _: ((2.6, 7.0), (3.4, 7.0)))
    track = follow(seen, TORSO)
    assert rests(track, dwells(seen, track, 0, 79), 0, 79) == []


def test_putting_the_hand_there_and_back_without_progress_is_a_hesitation() -> None:
    low, high = (2.6, 6.5), (2.4, 7.5)
    tries = ((0.0, low), (1.5, high), (2.5, low), (3.5, high), (4.5, low))
    seen = sightings(8, lambda t: (3, 5 + max(0.0, t - 6)), hands=lambda t: (moved(t, *tries), RIGHT))
    track = follow(seen, TORSO)
    (stuck,) = hesitations(track, dwells(seen, track, 0, 79), 0, 79)
    assert seen.t[stuck.first] == 0
    assert 5 < seen.t[stuck.last] < 7.5


def test_both_feet_swinging_under_a_hand_are_cut_feet_and_a_step_is_not() -> None:
    def swing(t: float) -> tuple[Place, Place]:
        aside = 1.5 * np.sin(4 * (t - 3)) if 3 <= t < 4.5 else 0.0
        return (2.8 + aside, 3.5), (3.2 + aside, 3.5)

    def step(t: float) -> tuple[Place, Place]:
        return moved(t, (0.0, (2.8, 3.5)), (3.0, (2.6, 4.5))), (3.2, 3.5)

    for feet, count in ((swing, 1), (step, 0)):
        seen = sightings(8, lambda _: (3, 5), hands=lambda _: ((2.6, 7.0), RIGHT), feet=feet)
        track = follow(seen, TORSO)
        assert len(cut_feet(seen, track, dwells(seen, track, 0, 79), 0, 79)) == count
