"""The hip track against what was drawn: sizes, speeds, walls and ways of the camera."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.figure import Climber
from tests.kinematics.conftest import Measure
from tests.kinematics.drawn import View, codes, hip_errors, is_sound, pictures, wall_errors, write

CLIMBER = Climber(size=(360, 480), seconds=4.0, walk_s=0.6, moves=3)
Matrix = NDArray[np.float64]


@pytest.mark.parametrize(
    "climber",
    [
        pytest.param(replace(CLIMBER, stature=0.2, moves=5), id="small"),
        pytest.param(replace(CLIMBER, stature=0.55, moves=2), id="large"),
        pytest.param(replace(CLIMBER, size=(640, 360), stature=0.5), id="landscape"),
        pytest.param(replace(CLIMBER, moves=6), id="fast"),
        pytest.param(replace(CLIMBER, moves=2), id="slow"),
        pytest.param(replace(CLIMBER, background="bare"), id="bare wall"),
        pytest.param(replace(CLIMBER, background="bricks"), id="bricks"),
        pytest.param(replace(CLIMBER, background="dark", seed=3), id="dark"),
    ],
)
def test_the_hips_are_where_they_were_drawn(climber: Climber, measured: Measure, tmp_path: Path) -> None:
    result = measured(write(tmp_path / "climb.mp4", pictures(climber)))
    assert result.quality.method == "pose"
    assert result.quality.camera == "static"
    assert len(result.track) >= 0.75 * 10 * climber.seconds
    assert np.median(hip_errors(climber, result)) < 0.25


def pan(t: float) -> Matrix:
    return np.array([[1, 0, 30 - 20 * t], [0, 1, -60 + 25 * t], [0, 0, 1]], dtype=np.float64)


def zoom(t: float) -> Matrix:
    s = 1 + 0.2 * t
    return np.array([[s, 0, 180 * (1 - s)], [0, s, 240 * (1 - s)], [0, 0, 1]])


def turn(t: float) -> Matrix:
    c, s = np.cos(0.05 * np.sin(1.5 * t)), np.sin(0.05 * np.sin(1.5 * t))
    return np.array([[c, -s, 180 - c * 180 + s * 240], [s, c, 240 - s * 180 - c * 240], [0, 0, 1]])


def shake(t: float) -> Matrix:
    return np.array([[1, 0, 5 * np.sin(9 * t)], [0, 1, 4 * np.cos(11 * t)], [0, 0, 1]])


@pytest.mark.parametrize("view", [pan, zoom, turn, shake])
def test_the_hips_are_where_they_were_drawn_when_the_camera_moves(
    view: View, measured: Measure, tmp_path: Path
) -> None:
    result = measured(write(tmp_path / "climb.mp4", pictures(CLIMBER, view=view)))
    assert result.quality.method == "pose"
    assert result.quality.camera == ("moving" if view in (pan, zoom) else "static")
    assert np.median(hip_errors(CLIMBER, result, view)) < 0.25
    # his place on the wall is that in the first picture's coordinates, whatever the camera does later
    assert np.median(wall_errors(CLIMBER, result, view)) < 0.25
    # and on the wall he comes as high as he was drawn
    low, high = (CLIMBER.hip(t)[1] for t in (CLIMBER.walk_s, CLIMBER.seconds - 0.1))
    scale = view(0.0)[1, 1]
    assert result.metrics["height_gain"].value == pytest.approx((low - high) / CLIMBER.torso * scale, rel=0.2)


@pytest.mark.parametrize(
    "climber",
    [
        pytest.param(replace(CLIMBER, size=(480, 640), plain=True), id="on a wall with holds"),
        pytest.param(replace(CLIMBER, size=(480, 640), plain=True, background="bare"), id="on a bare wall"),
        pytest.param(replace(CLIMBER, size=(480, 640), plain=True, moves=5), id="fast"),
    ],
)
def test_a_drawing_that_no_pose_model_knows_is_tracked_by_its_movement(
    climber: Climber, measured: Measure, tmp_path: Path
) -> None:
    result = measured(write(tmp_path / "plain.mp4", pictures(climber)))
    assert result.quality.method == "motion_track"
    assert len(result.track) >= 0.8 * 10 * climber.seconds
    assert np.median(hip_errors(climber, result)) < 0.8
    assert result.metrics["hand_placements"].reason == "NEEDS_POSE"


def test_with_a_moving_camera_and_no_body_nothing_is_measured_and_the_way_out_is_told(
    measured: Measure, tmp_path: Path
) -> None:
    climber = replace(CLIMBER, size=(480, 640), plain=True)
    result = measured(write(tmp_path / "plain.mp4", pictures(climber, view=pan)))
    assert (result.quality.method, result.quality.camera) == ("insufficient", "moving")
    assert is_sound(result)
    assert "CAMERA_MOVED" in codes(result)
    assert any("stand" in warning.message for warning in result.quality.warnings)
