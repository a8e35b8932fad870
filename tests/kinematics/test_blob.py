import numpy as np
import pytest
from numpy.typing import NDArray

from consumer.kinematics.blob import find, near_background, still_background

Image = NDArray[np.uint8]

HERE = np.eye(2, 3)


def wall() -> Image:
    return np.random.default_rng(2).integers(60, 200, (120, 160, 3)).astype(np.uint8)


def with_person(wall: Image, x: int) -> Image:
    picture = wall.copy()
    picture[40:90, x : x + 16] = (20, 20, 220)
    return picture


def test_who_moves_is_found_where_he_is() -> None:
    pictures = [with_person(wall(), 5 + 3 * k) for k in range(40)]
    background = still_background(pictures, [HERE] * 40)
    (blob,) = find(pictures[20], background, pictures[19])
    assert (blob.cx, blob.cy) == pytest.approx(((65 + 8) / 160, 65 / 120), abs=0.03)
    assert blob.height == pytest.approx(50 / 120, abs=0.05)
    assert blob.moves


def test_what_he_left_behind_in_the_background_does_not_move() -> None:
    pictures = [with_person(wall(), 20)] * 30 + [with_person(wall(), 100 + k) for k in range(10)]
    background = still_background(pictures, [HERE] * 40)
    blobs = find(pictures[35], background, pictures[34])
    assert len(blobs) == 2
    assert [blob.moves for blob in sorted(blobs, key=lambda blob: blob.cx)] == [False, True]


def test_noise_is_nobody() -> None:
    rng = np.random.default_rng(4)
    pictures = [np.clip(wall() + rng.normal(0, 5, (120, 160, 3)), 0, 255).astype(np.uint8) for _ in range(20)]
    background = still_background(pictures, [HERE] * 20)
    assert find(pictures[3], background, pictures[2]) == []


def test_a_moving_camera_does_not_make_the_wall_move() -> None:
    wide = np.random.default_rng(5).integers(60, 200, (120, 400, 3)).astype(np.uint8)
    places = [np.array([[1.0, 0, 2 * k], [0, 1, 0]]) for k in range(70)]
    pictures = [wide[:, 2 * k : 2 * k + 160].copy() for k in range(70)]
    for k, picture in enumerate(pictures):
        picture[40:90, 30 + k : 46 + k] = (20, 20, 220)
    background, known = near_background(pictures, places, 35)
    blobs = find(pictures[35], background, pictures[34], known)
    assert max(blobs, key=lambda blob: blob.area).cx == pytest.approx((65 + 8) / 160, abs=0.06)
