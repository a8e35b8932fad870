import numpy as np
import pytest

from consumer.kinematics.measures import duration, hull_perimeter, still_share, way
from consumer.kinematics.track import follow
from tests.kinematics.walls import TORSO, sightings


def test_a_straight_climb_is_as_economical_as_can_be() -> None:
    track = follow(sightings(4, lambda t: (0, t)), TORSO)
    path = way(track, 0, len(track.t) - 1)
    assert path.length == pytest.approx(3.9, abs=0.01)
    assert path.rise == pytest.approx(3.9, abs=0.01)
    assert path.efficiency == pytest.approx(1)
    assert path.gie == pytest.approx(0, abs=1e-6)


def test_up_and_down_again_doubles_the_path_and_adds_ln_2() -> None:
    track = follow(sightings(8, lambda t: (0, min(t, 8 - t))), TORSO)
    path = way(track, 0, len(track.t) - 1)
    assert path.gie == pytest.approx(np.log(2), abs=0.03)
    assert path.efficiency < 0.05
    assert path.rise == pytest.approx(4, abs=0.1)


def test_a_gap_is_no_way() -> None:
    track = follow(sightings(6, lambda t: (0, 10.0 * (t > 3)), seen=lambda t: not 2 <= t < 4), TORSO)
    assert way(track, 0, len(track.t) - 1).length == pytest.approx(0, abs=1e-6)


def test_too_short_a_way_says_so() -> None:
    track = follow(sightings(2, lambda t: (0, 0.2 * t)), TORSO)
    assert not way(track, 0, len(track.t) - 1).long_enough


def test_hull_perimeter_of_a_square_and_of_a_line() -> None:
    assert hull_perimeter(np.array([[0, 0], [0, 1], [1, 1], [1, 0], [0.5, 0.5]])) == pytest.approx(4)
    assert hull_perimeter(np.array([[0.0, 0], [0, 1], [0, 2]])) == pytest.approx(4)


def test_still_share_counts_samples_under_a_quarter_torso_a_second() -> None:
    assert still_share(np.array([0.1, 0.24, 0.26, 3])) == 0.5


def test_duration_is_first_to_last_sample_of_each_attempt() -> None:
    assert duration(np.arange(10) / 10, ((0, 4), (6, 9))) == pytest.approx(0.7)
