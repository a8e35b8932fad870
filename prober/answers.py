"""The known answer: what a right result about our own clip holds. Nothing here awaits."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from core.result import Frame, ModelBlock, Quality, Timing, TrackPoint, Video
from core.verdicts import ProbeStage
from prober.blame import wrong
from prober.clip import Clip, Mark, read_mark

PATH_TOLERANCE = 0.10
"""Of the way that the figure goes. A method that sees its middle instead of its hips is off by a constant: the way
counts, not the place."""
DURATION_TOLERANCE_S = 0.1
LEAST_POINTS = 10
FROM_EXTRACT = "e"
"""Ids of the pictures that the extract stage takes begin so; the others are the analyzer's."""


class Told(BaseModel):
    """The blocks of a result that are looked at, as the contract words them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    analysis_id: str
    quality: Quality
    video: Video
    frames: tuple[Frame, ...]
    track: tuple[TrackPoint, ...]
    model: ModelBlock | None
    timing: Timing


def read(result: Mapping[str, Any]) -> Told:
    """Raises Blamed("read") for what is no result."""
    try:
        return Told.model_validate(result)
    except ValidationError as error:
        raise wrong("read", f"the result is not what the contract says: {error.error_count()} fields") from error


def is_of_this_clip(told: Told, clip: Clip) -> bool:
    return told.video.sha256 == clip.sha256


def check_video(told: Told, clip: Clip) -> None:
    size, seconds = (told.video.width, told.video.height), told.video.duration_s
    if size != clip.figure.size:
        raise wrong("extract", f"the size is said to be {size[0]} x {size[1]}")
    if abs(seconds - clip.figure.seconds) > DURATION_TOLERANCE_S:
        raise wrong("extract", f"it is said to last {seconds} s")


def check_pictures(told: Told, pictures: Mapping[str, bytes | None], clip: Clip) -> None:
    """`pictures` by frame id; None for one that the bucket does not have."""
    if not told.frames or any(frame.url is None for frame in told.frames):
        raise wrong("extract" if not told.frames else "read", "there are no pictures to look at")
    for frame in told.frames:
        _check_picture(frame, pictures[frame.id], clip)


def check_path(told: Told, clip: Clip) -> None:
    """Raises Blamed("analyze") when the track is not the way that the figure went."""
    if told.quality.method == "insufficient" or len(told.track) < LEAST_POINTS:
        raise wrong("analyze", f"the figure was not followed: {told.quality.method}, {len(told.track)} points")
    truth = [clip.figure.hip(point.t) for point in told.track]
    way = abs(clip.figure.high - clip.figure.low)
    off = max(
        _spread([point.x - x for point, (x, _) in zip(told.track, truth, strict=True)])
        * (clip.figure.size[0] / clip.figure.size[1]),
        _spread([point.y - y for point, (_, y) in zip(told.track, truth, strict=True)]),
    )
    gone = max(point.y for point in told.track) - min(point.y for point in told.track)
    if off > PATH_TOLERANCE * way or abs(gone / way - 1) > PATH_TOLERANCE:
        raise wrong("analyze", f"the way of the figure is off by {off / way:.0%}, its height by {gone / way - 1:+.0%}")


def check_model(told: Told) -> None:
    """What a model says must be about pictures that there are."""
    if told.model is None:
        return
    known = {frame.id for frame in told.frames}
    if any(set(claim.frame_ids) - known for claim in told.model.claims):
        raise wrong("analyze", "the model speaks of pictures that there are not")


def check_overlay(overlay: Mapping[str, Any], told: Told) -> None:
    """Raises Blamed("read") when it leaves the picture, is empty, or is for another size."""
    elements, size = overlay.get("overlay_elements"), overlay.get("video_dimensions")
    if not isinstance(elements, list) or not isinstance(size, Mapping) or not elements:
        raise wrong("read", "there is no overlay")
    if (size.get("width"), size.get("height")) != (told.video.width, told.video.height):
        raise wrong("read", "the overlay is for another size")
    points = [point for element in elements for point in (element.get("points") or [element]) if "x" in point]
    if not points or not all(_inside(point, told.video) for point in points):
        raise wrong("read", "the overlay is not inside the picture")


def _check_picture(frame: Frame, picture: bytes | None, clip: Clip) -> None:
    made_by: ProbeStage = "extract" if frame.id.startswith(FROM_EXTRACT) else "analyze"
    if picture is None:
        raise wrong("store", f"the picture {frame.id} is not there")
    try:
        mark = read_mark(picture)
    except ValueError:
        raise wrong("store", f"the picture {frame.id} is none") from None
    problem = _problem(mark, frame, clip)
    if problem:
        raise wrong(made_by, f"the picture {frame.id} {problem}")


def _problem(mark: Mark | None, frame: Frame, clip: Clip) -> str | None:
    if mark is None:
        return "shows no code"
    if mark.nonce != clip.nonce:
        return "is of another run"
    if mark.second != clip.second_at(frame.t):
        return f"is of second {mark.second}, and said to be of {frame.t:.2f} s"
    return None


def _inside(point: Mapping[str, Any], video: Video) -> bool:
    x, y = point.get("x"), point.get("y")
    return isinstance(x, int | float) and isinstance(y, int | float) and 0 < x <= video.width and 0 < y <= video.height


def _spread(differences: Sequence[float]) -> float:
    """How far the differences are from their middle, for nine tenths of them."""
    middle = median(differences)
    away = sorted(abs(one - middle) for one in differences)
    return away[int(0.9 * (len(away) - 1))]
