import numpy as np
import pytest

from consumer.kinematics.track import follow, pieces, runs, smooth
from tests.kinematics.walls import TORSO, sightings


def test_a_straight_way_keeps_its_place_and_speed() -> None:
    track = follow(sightings(3, lambda t: (1 + 0.5 * t, 2 * t)), TORSO)
    assert np.allclose(track.hip[:, 0] - track.hip[0, 0], 0.5 * track.t, atol=1e-9)
    assert np.allclose(track.velocity, (0.5, 2), atol=1e-9)
    assert np.allclose(track.speed, np.hypot(0.5, 2))


def test_a_short_gap_is_bridged_and_said_so() -> None:
    seen = sightings(3, lambda t: (0, t), seen=lambda t: not 1 <= t < 1.5)
    track = follow(seen, TORSO)
    assert set(track.piece) == {0}
    assert not track.measured[12]
    assert track.hip[12, 1] - track.hip[0, 1] == pytest.approx(1.2, abs=1e-6)


def test_a_long_gap_ends_a_path() -> None:
    piece = pieces(sightings(4, lambda t: (0, t), seen=lambda t: not 1 <= t < 2.5))
    assert piece[0] == 0
    assert piece[-1] == 1
    assert piece[15] == -1


def test_another_person_is_another_path() -> None:
    seen = sightings(2, lambda _: (0, 0))
    seen.identity[10:] = 2
    assert pieces(seen)[9:11].tolist() == [0, 1]


def test_smoothing_follows_true_times_and_not_sample_numbers() -> None:
    t = np.array([0.0, 0.04, 0.1, 0.3, 0.33, 0.5, 0.61])
    place, rate = smooth(t, np.stack([t**2, t], axis=1), t)
    assert np.allclose(place, np.stack([t**2, t], axis=1), atol=1e-9)
    assert np.allclose(rate[:, 1], 1, atol=1e-6)


def test_runs_are_inclusive() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 1), (3, 3)]
    assert runs(np.array([], dtype=bool)) == []
