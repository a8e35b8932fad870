"""Whole clips through the real model: a drawn climber whose path is known, and clips with nothing to measure."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.result import Measurement, MetricName, Sport
from tests.clips import Image
from tests.figure import Climber, drawn_climber
from tests.kinematics.conftest import REPO, Measure
from tests.kinematics.drawn import hip_errors, nothing_measured, write

REAL = REPO.parent / "shared" / "clips"


def real(name: str) -> Path:
    if not (REAL / name).is_file():
        pytest.skip(f"the real clip {name} is not on this machine ({REAL})")
    return REAL / name


@pytest.fixture(scope="module")
def climb(measured: Measure, tmp_path_factory: pytest.TempPathFactory) -> tuple[Climber, Measurement]:
    path = tmp_path_factory.mktemp("climb") / "climb.mp4"
    return drawn_climber(path), measured(path)


def test_the_hip_track_lies_on_the_climber(climb: tuple[Climber, Measurement]) -> None:
    climber, result = climb
    assert result.quality.method == "pose"
    assert result.quality.pose_rate >= 0.9
    assert len(result.track) >= 0.9 * 10 * climber.seconds
    assert np.median(hip_errors(climber, result)) < 0.25


def test_what_is_measured_is_what_was_drawn(climb: tuple[Climber, Measurement]) -> None:
    climber, result = climb
    (low, high) = (climber.hip(climber.walk_s)[1], climber.hip(climber.seconds - 1 / 30)[1])
    height = result.metrics["height_gain"].value
    assert height == pytest.approx((low - high) / climber.torso, rel=0.25)
    assert [phase.kind for phase in result.phases] == ["ground", "on_wall"]
    # his feet leave the ground with the first move, after a pause on the start holds
    assert climber.walk_s <= result.phases[1].t0 <= climber.walk_s + 1.2
    assert result.metrics["hand_placements"].value == pytest.approx(climber.moves - 1, abs=2)
    assert result.economy is not None
    assert all(metric.confidence > 0.5 for metric in result.metrics.values() if metric.value is not None)


def test_kept_frames_have_reasons_and_events_name_them(climb: tuple[Climber, Measurement]) -> None:
    _, result = climb
    assert {frame.why for frame in result.frames} >= {"start", "placement", "end"}
    assert len(result.frames) <= 12
    named = [event.frame_id for event in result.events if event.kind == "placement"]
    assert set(named) - {None} <= {frame.id for frame in result.frames}
    assert any(named)


def test_a_camera_that_pans_changes_no_number_much(
    climb: tuple[Climber, Measurement], measured: Measure, tmp_path: Path
) -> None:
    climber, still = climb
    width, height = climber.size

    def pictures() -> Iterable[Image]:
        for k in range(round(climber.seconds * 20)):
            # follows him up by a quarter of the picture
            y = round(height * 0.3 * (1 - k / (climber.seconds * 20)))
            yield climber.picture(k / 20)[y : y + round(height * 0.7), : width // 2 * 2]

    moving = measured(write(tmp_path / "pan.mp4", pictures()))
    assert moving.quality.camera == "moving"
    lengths: tuple[MetricName, ...] = ("height_gain", "path_length")
    for name in lengths:
        assert moving.metrics[name].value == pytest.approx(still.metrics[name].value, rel=0.1)


def test_an_empty_wall_has_no_climber(measured: Measure, tmp_path: Path) -> None:
    rng, wall = np.random.default_rng(1), Climber().wall()
    noisy = (np.clip(wall + rng.normal(0, 2, wall.shape), 0, 255).astype(np.uint8) for _ in range(50))
    result = measured(write(tmp_path / "empty.mp4", noisy))
    assert result.quality.method == "insufficient"
    assert [phase.kind for phase in result.phases] == ["no_climber"]
    assert nothing_measured(result, "NO_CLIMBER")
    assert result.track == ()


def test_a_frozen_picture_measures_nothing(measured: Measure, tmp_path: Path) -> None:
    picture = Climber().picture(4.0)
    result = measured(write(tmp_path / "frozen.mp4", [picture] * 50))
    assert result.quality.method == "insufficient"
    assert nothing_measured(result, "NOTHING_MOVES")
    assert [warning.code for warning in result.quality.warnings] == ["NOTHING_MOVES"]
    assert result.economy is None


def test_somebody_who_walks_by_yields_no_climb(measured: Measure, tmp_path: Path) -> None:
    walker = Climber(size=(960, 540), stature=0.5, walk_s=6.0, seconds=6.0)
    path = write(tmp_path / "walk.mp4", (walker.picture(k / 20) for k in range(100)))
    result = measured(path)
    assert result.quality.method == "pose"
    assert nothing_measured(result, "NO_CLIMB_SEEN")
    assert "NO_CLIMB_SEEN" in [warning.code for warning in result.quality.warnings]
    assert "on_wall" not in [phase.kind for phase in result.phases]


@pytest.mark.parametrize("sport", [sport for sport in Sport if not sport.is_climb])
def test_another_sport_gets_speed_and_no_climbing(sport: Sport, measured: Measure, tmp_path: Path) -> None:
    walker = Climber(size=(960, 540), stature=0.5, walk_s=6.0, seconds=6.0)
    path = write(tmp_path / "walk.mp4", (walker.picture(k / 20) for k in range(100)))
    result = measured(path, sport)  # type: ignore[call-arg]  # the fixture's second argument has a default
    speed = result.metrics["speed_p50"].value
    assert speed is not None
    assert speed > 0.3
    assert result.metrics["height_gain"].reason == "NOT_A_CLIMB"
    assert (result.phases, result.economy) == ((), None)
    assert {segment.label for segment in result.segments} <= {"moving", "still"}


def test_out_of_focus_and_far_away_falls_back_to_motion(measured: Measure, tmp_path: Path) -> None:
    climber = Climber(stature=0.15, seconds=8.0, walk_s=0.5)

    def blurred() -> Iterable[Image]:
        for k in range(160):
            picture = cv2.GaussianBlur(climber.picture(k / 20), (0, 0), 9.0)
            yield np.asarray(picture, dtype=np.uint8)

    result = measured(write(tmp_path / "blur.mp4", blurred()))
    assert result.quality.method == "motion_track"
    assert {"MOTION_ONLY", "POSE_TOO_RARE"} <= {warning.code for warning in result.quality.warnings}
    assert np.median(hip_errors(climber, result)) < 0.8
    assert result.metrics["height_gain"].value is not None
    assert result.metrics["hand_placements"].reason == "NEEDS_POSE"
    assert result.economy is None


def test_a_real_boulderer(measured: Measure) -> None:
    result = measured(real("boulder-indoor.mp4"))
    assert result.quality.pose_rate >= 0.95
    assert result.quality.camera == "static"
    kinds = [phase.kind for phase in result.phases]
    assert kinds[0] == "on_wall"
    assert kinds[-1] == "ground"
    assert result.metrics["height_gain"].value == pytest.approx(1.8, abs=0.25)


def test_a_real_street_is_no_climb(measured: Measure) -> None:
    result = measured(real("walking-street.mp4"))
    assert nothing_measured(result, "NO_CLIMB_SEEN")
    assert "SEVERAL_PEOPLE" in [warning.code for warning in result.quality.warnings]
