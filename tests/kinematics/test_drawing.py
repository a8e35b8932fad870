"""The drawing on the clip and the chart, from measurements of plain numbers."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from consumer.kinematics.drawing import Drawing
from consumer.kinematics.glue import Glue
from consumer.kinematics.palette import SPEEDS, of_speed, speeds
from consumer.kinematics.plot import draw_plot, heights_of, plot
from consumer.kinematics.sheet import ticks
from core.result import CameraPoint, Event, Measurement, Phase, Quality, TrackPoint, Video

SIZE = (480, 640)


def measurement(
    *,
    path: tuple[CameraPoint, ...] = (),
    events: tuple[Event, ...] = (),
    seconds: float = 4.0,
    still_until: float = 0.0,
) -> Measurement:
    """Straight up the middle of the wall's picture: from 0.8 to 0.4 of its height."""
    width, height = SIZE
    glue_free = [
        (k / 10, 0.8 - 0.4 * max(0.0, k / 10 - still_until) / (seconds - still_until))
        for k in range(round(seconds * 10))
    ]
    return Measurement(
        analyzer="test",
        quality=Quality(method="pose", confidence=1, pose_rate=1, camera="static", fps=30, climber_height_px=300),
        video=Video(
            duration_s=seconds, fps=30, width=width, height=height, codec="h264", container="mp4", bytes=1, sha256=""
        ),
        frames=(),
        phases=(Phase(kind="on_wall", t0=0, t1=seconds),),
        metrics={},
        track=tuple(TrackPoint(t=t, x=0.5, y=y, wall_x=0.5, wall_y=y, torso=0.1, confidence=1) for t, y in glue_free),
        events=events,
        segments=(),
        camera_path=path,
    )


def coloured(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where the line is: on a black picture, all that is neither black nor the bar at the bottom."""
    return image[: SIZE[1] - 90].max(axis=2) > 60


def test_the_line_grows_behind_the_climber() -> None:
    drawing, black = Drawing(measurement()), np.zeros((640, 480, 3), np.uint8)
    early, late = (np.flatnonzero(coloured(drawing.on(black, t)).any(axis=1)) for t in (1.0, 3.8))
    assert late.min() < early.min() - 100
    assert late.min() == pytest.approx(0.42 * 640, abs=15)


def test_the_way_to_the_wall_is_no_part_of_the_line() -> None:
    told = measurement().model_copy(
        update={"phases": (Phase(kind="ground", t0=0, t1=2), Phase(kind="on_wall", t0=2, t1=4))}
    )
    rows = np.flatnonzero(coloured(Drawing(told).on(np.zeros((640, 480, 3), np.uint8), 3.8)).any(axis=1))
    assert rows.max() == pytest.approx(0.6 * 640, abs=15)
    assert rows.min() == pytest.approx(0.42 * 640, abs=15)


def test_the_line_turns_and_grows_with_the_wall() -> None:
    # at 3 s the camera has zoomed in by two and turned by a right angle, round the picture's upper left corner
    path = (
        CameraPoint(t=0, scene=0, a=1, b=0, dx=0, dy=0),
        CameraPoint(t=3, scene=0, a=0, b=0.5, dx=0.7, dy=0.1),
    )
    glue = Glue(measurement(path=path))
    wall = np.array([[0.5, 0.8], [0.5, 0.4]])
    assert glue.to_picture(wall, 0) == pytest.approx(wall)
    then = glue.to_picture(wall, 3) * (0.75, 1)
    assert then[:, 1].tolist() == pytest.approx([0.1 + 0.5 * 0.375] * 2)
    assert float(abs(then[1, 0] - then[0, 0])) == pytest.approx(0.5 * 0.4)
    assert glue.to_wall(glue.to_picture(wall, 2.2), 2.2) == pytest.approx(wall)


def test_the_line_of_another_wall_is_not_drawn() -> None:
    path = tuple(CameraPoint(t=k / 10, scene=int(k >= 20), a=1, b=0, dx=0, dy=0) for k in range(40))
    drawing, black = Drawing(measurement(path=path)), np.zeros((640, 480, 3), np.uint8)
    rows = np.flatnonzero(coloured(drawing.on(black, 3.8)).any(axis=1))
    assert rows.max() < 0.62 * 640


def test_a_placement_is_a_ring_and_then_a_dot() -> None:
    put = Event(kind="placement", t=1.0, t1=3.0, limb="left_hand", x=0.2, y=0.3, confidence=1)
    drawing, black = Drawing(measurement(events=(put,))), np.zeros((640, 480, 3), np.uint8)
    counts = [int(coloured(drawing.on(black, t))[150:240, 50:150].sum()) for t in (0.5, 1.5, 3.0)]
    assert counts[0] == 0
    assert counts[1] > counts[2] > 0


def test_the_bar_tells_the_time_and_the_picture_is_left_alone() -> None:
    grey = np.full((640, 480, 3), 128, np.uint8)
    drawn = Drawing(measurement()).on(grey, 2.0)
    assert (grey == 128).all()
    bar = drawn[640 - 14]
    white = np.flatnonzero((bar > 240).all(axis=1))
    assert white.mean() == pytest.approx(240, abs=8)


@pytest.mark.parametrize("size", [(16, 16), (40, 300), (300, 20)])
def test_a_picture_of_any_size_can_be_drawn_on(size: tuple[int, int]) -> None:
    drawn = Drawing(measurement()).on(np.zeros((*size, 3), np.uint8), 2.0)
    assert drawn.shape == (*size, 3)


def test_the_colour_is_the_speed_on_the_wall() -> None:
    assert of_speed(0) == tuple(int(part) for part in SPEEDS[0])
    assert of_speed(7) == of_speed(1) == tuple(int(part) for part in SPEEDS[-1])
    found = speeds(measurement().track, 0.75)
    assert found[1:] == pytest.approx(0.1 / 0.1)


def test_the_chart_has_its_axes_its_line_and_its_bands(tmp_path: Path) -> None:
    rest = Event(kind="rest", t=0.2, t1=1.6, confidence=1)
    stuck = Event(kind="hesitation", t=2.0, t1=3.5, confidence=1)
    one = measurement(events=(rest, stuck), still_until=2.0)
    assert heights_of(one)[-1] == pytest.approx(3.8, abs=0.3)
    draw_plot(one, tmp_path / "plot.png")
    image = cv2.imread(str(tmp_path / "plot.png"))
    assert image is not None
    assert image.shape == (700, 1400, 3)
    plain = plot(measurement(still_until=2.0))
    changed = np.flatnonzero((np.abs(image.astype(int) - plain).max(axis=2) > 20)[120:560].mean(axis=0) > 0.9)
    # two bands, a good third of the time each
    assert len(changed) == pytest.approx(1260 * 2.9 / 4, rel=0.05)


def test_a_chart_without_a_track_says_so() -> None:
    empty = measurement().model_copy(update={"track": (), "phases": ()})
    assert plot(empty).min() < 100


@pytest.mark.parametrize(("low", "high"), [(0, 0.05), (-0.3, 2.1), (0, 15), (0, 600), (-3, 3)])
def test_ticks_are_round_and_few(low: float, high: float) -> None:
    found = ticks(low, high, 12)
    assert 3 <= len(found) <= 13
    assert low <= found[0] <= found[-1] <= high
