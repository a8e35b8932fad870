"""Clips that nobody should film: each a sound result, or `insufficient` with its reason; never an exception."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.result import Phase
from tests.clips import HEVC, Encoding, Image
from tests.figure import Climber
from tests.kinematics.conftest import Measure
from tests.kinematics.drawn import ENCODING, codes, is_sound, nothing_measured, pictures, write

CLIMBER = Climber(size=(270, 360), seconds=3.0, walk_s=0.4, moves=3)
EVEN_CHROMA = replace(ENCODING, pix_fmt="yuv444p")
# as phones write it: 10 bit, BT.2020, hybrid log-gamma
HDR = replace(
    HEVC,
    pix_fmt="yuv420p10le",
    fps=20,
    options={
        "preset": "ultrafast",
        "x265-params": "log-level=none:pools=1:colorprim=bt2020:transfer=arib-std-b67:colormatrix=bt2020nc",
    },
)


def grey(level: int, count: int) -> list[Image]:
    return [np.full((240, 320, 3), level, np.uint8)] * count


def strobe() -> Iterator[Image]:
    for k, picture in enumerate(pictures(CLIMBER)):
        yield picture if k % 3 else np.zeros_like(picture)


def cut_each_time() -> list[Image]:
    return [replace(CLIMBER, seed=k).picture(1 + k / 20) for k in range(30)]


def noise() -> list[Image]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (240, 320, 3)).astype(np.uint8) for _ in range(30)]


@pytest.mark.parametrize(
    ("shown", "encoding"),
    [
        pytest.param([CLIMBER.picture(2.0)], ENCODING, id="one picture"),
        pytest.param([CLIMBER.picture(2 + k / 20) for k in range(10)], ENCODING, id="half a second"),
        pytest.param(pictures(replace(CLIMBER, size=(271, 361))), EVEN_CHROMA, id="odd sizes"),
        pytest.param(pictures(replace(CLIMBER, size=(320, 320))), ENCODING, id="square"),
        pytest.param(pictures(replace(CLIMBER, size=(960, 120), stature=0.5)), ENCODING, id="very wide"),
        pytest.param((picture[:, 100:148] for picture in pictures(CLIMBER)), ENCODING, id="very narrow"),
        pytest.param(([np.zeros((16, 16, 3), np.uint8)] * 20), ENCODING, id="tiny"),
        pytest.param(pictures(CLIMBER), HDR, id="HDR, 10 bit"),
        pytest.param(strobe(), ENCODING, id="strobe"),
        pytest.param(cut_each_time(), ENCODING, id="another wall in each picture"),
        pytest.param(noise(), ENCODING, id="noise"),
        pytest.param(grey(0, 30), ENCODING, id="black"),
        pytest.param([np.full((240, 320, 3), k * 8, np.uint8) for k in range(30)], ENCODING, id="a fade"),
    ],
)
def test_whatever_is_shown_the_result_is_sound(
    shown: Iterator[Image], encoding: Encoding, measured: Measure, tmp_path: Path
) -> None:
    stored = (np.ascontiguousarray(picture) for picture in shown)
    assert is_sound(measured(write(tmp_path / "clip.mp4", stored, encoding)))


def test_ten_bit_colour_is_measured_as_eight_bit_is(measured: Measure, tmp_path: Path) -> None:
    climber = replace(CLIMBER, seconds=4.0)
    results = [
        measured(write(tmp_path / name, pictures(climber), encoding))
        for name, encoding in (("8.mp4", ENCODING), ("10.mp4", HDR))
    ]
    heights = [result.metrics["height_gain"].value for result in results]
    assert heights[0] is not None
    assert heights[1] == pytest.approx(heights[0], rel=0.05)


def test_one_picture_of_nobody_has_nobody_in_it(measured: Measure, tmp_path: Path) -> None:
    result = measured(write(tmp_path / "one.mp4", [CLIMBER.wall()]))
    assert nothing_measured(result, "NO_CLIMBER")
    assert result.phases == (Phase(kind="no_climber", t0=0, t1=result.video.duration_s),)


def test_a_camera_that_cannot_be_followed_measures_nothing(measured: Measure, tmp_path: Path) -> None:
    result = measured(write(tmp_path / "cuts.mp4", cut_each_time()))
    assert result.quality.method == "insufficient"
    assert nothing_measured(result, "CAMERA_LOST")


def test_a_clip_cut_from_two_shots_is_two_walls(measured: Measure, tmp_path: Path) -> None:
    first, second = replace(CLIMBER, walk_s=0.3), replace(CLIMBER, walk_s=0.3, background="dark", seed=2)
    shots = [*pictures(first), *pictures(second)]
    result = measured(write(tmp_path / "cut.mp4", shots))
    assert result.quality.camera == "cuts"
    assert "CAMERA_CUTS" in codes(result)
    assert {point.scene for point in result.camera_path} == {0, 1}
    walls = [phase for phase in result.phases if phase.kind == "on_wall"]
    assert not any(wall.t0 < 2.9 and wall.t1 > 3.1 for wall in walls)


def test_an_empty_wall_under_a_flickering_lamp_is_empty(measured: Measure, tmp_path: Path) -> None:
    wall = CLIMBER.wall()
    lit = (np.clip(wall * (1 + 0.08 * np.sin(k)), 0, 255).astype(np.uint8) for k in range(40))
    result = measured(write(tmp_path / "lamp.mp4", lit))
    assert result.quality.pose_rate == 0
    assert result.quality.method == "insufficient"


def test_a_mirror_ball_on_an_empty_wall_climbs_nothing(measured: Measure, tmp_path: Path) -> None:
    def spots(k: int) -> Image:
        wall = CLIMBER.wall()
        for number in range(12):
            at = (int((40 * number + 7 * k) % 270), int((31 * number) % 340))
            cv2.circle(wall, at, 6, (255, 255, 255), -1)
        return wall

    result = measured(write(tmp_path / "spots.mp4", map(spots, range(40))))
    assert result.quality.pose_rate == 0
    assert is_sound(result)
    assert all(metric.value is None for metric in result.metrics.values())
