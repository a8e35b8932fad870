"""Clips of drawn climbers, what was measured of them, and how far it is from what was drawn."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from core.result import Measurement, MetricName
from tests.clips import H264, Encoding, Image, write_clip
from tests.figure import Climber

ENCODING = replace(H264, fps=20, options={"preset": "veryfast", "crf": "23"})
# (3, 3): pixels of the wall's picture to pixels of the clip's picture at a time
View = Callable[[float], NDArray[np.float64]]
HEADLINE: tuple[MetricName, ...] = (
    "on_wall_s",
    "height_gain",
    "path_length",
    "path_efficiency",
    "speed_p95",
)


def write(path: Path, pictures: Iterable[Image], encoding: Encoding = ENCODING) -> Path:
    return write_clip(path, pictures, encoding)


def pictures(climber: Climber, fps: int = 20, *, view: View | None = None, slowed: float = 1) -> Iterator[Image]:
    """The climber's pictures as a camera sees them that moves as `view` says."""
    for k in range(round(climber.seconds * slowed * fps)):
        picture = climber.picture(k / fps / slowed)
        if view is not None:
            moved = cv2.warpAffine(picture, view(k / fps)[:2], climber.size, borderMode=cv2.BORDER_REFLECT)
            picture = np.asarray(moved, np.uint8)
        yield picture


def hip_errors(climber: Climber, result: Measurement, view: View | None = None) -> NDArray[np.float64]:
    """(n,) distance of each track point from the truth, torso lengths; nothing for an empty track."""
    width, height = climber.size
    away = []
    for point in result.track:
        x, y = climber.hip(point.t)
        place = np.array([x * width, y * height, 1.0])
        if view is not None:
            place = view(point.t) @ place
        away.append(np.hypot(point.x * width - place[0], point.y * height - place[1]))
    return np.array(away) / (climber.torso * height)


def wall_errors(climber: Climber, result: Measurement, view: View) -> NDArray[np.float64]:
    """(n,) distance of each place on the wall from the truth, torso lengths as large as in the first picture."""
    width, height = climber.size
    first = view(0.0)
    away = []
    for point in result.track:
        x, y = climber.hip(point.t)
        place = first @ np.array([x * width, y * height, 1.0])
        away.append(np.hypot((point.wall_x or 0) * width - place[0], (point.wall_y or 0) * height - place[1]))
    return np.array(away) / (climber.torso * height * first[1, 1])


def codes(result: Measurement) -> list[str]:
    return [warning.code for warning in result.quality.warnings]


def nothing_measured(result: Measurement, reason: str) -> bool:
    return all(metric.value is None and metric.reason == reason for metric in result.metrics.values())


def is_sound(result: Measurement) -> bool:
    """Every number has a method and every null a reason; without a method there is no number, track or event."""
    for metric in result.metrics.values():
        if (metric.value is None) != (metric.reason is not None) or metric.method != result.quality.method:
            return False
        if metric.value is not None and (metric.method == "insufficient" or not np.isfinite(metric.value)):
            return False
    if result.quality.method == "insufficient":
        return bool(codes(result)) and not (result.track or result.events or result.segments or result.economy)
    return True
