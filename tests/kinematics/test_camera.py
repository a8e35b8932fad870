import numpy as np
import pytest
from numpy.typing import NDArray

from consumer.kinematics.camera import CameraPath, apply, chain, classify, corners, invert, scaled, travel

Image = NDArray[np.uint8]

WIDTH, HEIGHT = 320, 240


def wall(seed: int = 1) -> Image:
    """A wall three pictures wide with something to hold on to for a tracker."""
    import cv2  # noqa: PLC0415  beside its one use

    rng = np.random.default_rng(seed)
    picture = np.full((HEIGHT * 2, WIDTH * 3), 128, dtype=np.uint8)
    for _ in range(400):
        at = (int(rng.integers(WIDTH * 3)), int(rng.integers(HEIGHT * 2)))
        cv2.circle(picture, at, int(rng.integers(3, 12)), int(rng.integers(0, 255)), -1)
    return picture


def view(picture: Image, x: int, y: int = 100) -> Image:
    return picture[y : y + HEIGHT, x : x + WIDTH].copy()


def test_a_pan_is_followed_over_more_than_a_picture() -> None:
    picture, path = wall(), CameraPath()
    steps = [path.follow(view(picture, x)) for x in range(0, 500, 8)]
    assert all(step.found for step in steps)
    last = apply(steps[-1].to_wall, np.array([0.0, 0.0]))
    assert last == pytest.approx((496, 0), abs=2)
    assert classify(steps, WIDTH, HEIGHT) == "moving"


def test_a_still_camera_does_not_drift() -> None:
    picture, path, rng = wall(), CameraPath(), np.random.default_rng(0)
    noisy = (np.clip(view(picture, 40) + rng.normal(0, 4, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8) for _ in range(90))
    steps = [path.follow(image) for image in noisy]
    assert classify(steps, WIDTH, HEIGHT) == "static"
    assert travel(steps, WIDTH, HEIGHT) < 0.01


def test_a_person_who_walks_by_does_not_move_the_camera() -> None:
    picture, path = wall(), CameraPath()
    steps = []
    for k in range(30):
        image = view(picture, 40)
        image[60:220, 8 * k : 8 * k + 70] = wall(7)[60:220, 100:170]
        steps.append(path.follow(image))
    assert travel(steps, WIDTH, HEIGHT) < 0.01


def test_corners_keep_away_from_people() -> None:
    people = np.zeros((HEIGHT, WIDTH), np.uint8)
    people[:, :160] = 255
    assert corners(view(wall(), 40), people)[:, 0].min() >= 158


def test_a_cut_is_another_scene_and_starts_a_wall_of_its_own() -> None:
    path = CameraPath()
    steps = [path.follow(view(wall(1), x)) for x in range(0, 80, 8)]
    steps += [path.follow(view(wall(2), x)) for x in range(0, 80, 8)]
    assert classify(steps, WIDTH, HEIGHT) == "cuts"
    assert [step.scene for step in steps] == [0] * 10 + [1] * 10
    assert apply(steps[10].to_wall, np.array([5.0, 5.0])) == pytest.approx((5, 5))


def test_a_blank_wall_that_stays_as_it_is_stands_still() -> None:
    path = CameraPath()
    blank = np.full((HEIGHT, WIDTH), 90, np.uint8)
    steps = [path.follow(blank) for _ in range(3)]
    assert all(step.found for step in steps)
    assert classify(steps, WIDTH, HEIGHT) == "static"


def test_what_changes_without_a_common_motion_is_lost() -> None:
    path, rng = CameraPath(), np.random.default_rng(6)
    walls = [np.clip(128 + rng.normal(0, 25, (HEIGHT, WIDTH)), 0, 255).astype(np.uint8) for _ in range(2)]
    shade = np.linspace(0, 90, WIDTH).astype(np.uint8)
    steps = [path.follow(image // 2 + shade) for image in walls]
    assert [step.found for step in steps] == [True, False]


def test_a_zoom_is_a_movement_though_the_middle_stays() -> None:
    import cv2  # noqa: PLC0415  beside its one use

    picture, path = view(wall(), 40), CameraPath()
    middle = (WIDTH / 2, HEIGHT / 2)
    zooms = [cv2.getRotationMatrix2D(middle, 0, 1 + 0.02 * k) for k in range(25)]
    steps = [path.follow(np.asarray(cv2.warpAffine(picture, zoom, (WIDTH, HEIGHT)), np.uint8)) for zoom in zooms]
    assert all(step.found for step in steps)
    assert classify(steps, WIDTH, HEIGHT) == "moving"


def test_affine_arithmetic() -> None:
    matrix = np.array([[0.9, -0.1, 5.0], [0.1, 0.9, -3.0]])
    point = np.array([7.0, 11.0])
    assert apply(invert(matrix), apply(matrix, point)) == pytest.approx(point)
    assert apply(chain(matrix, matrix), point) == pytest.approx(apply(matrix, apply(matrix, point)))
    assert apply(scaled(matrix, 2), point * 2) == pytest.approx(apply(matrix, point) * 2)
