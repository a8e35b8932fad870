"""Parts of single pictures of a clip, cut out and scaled, as JPEG files without any metadata."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from consumer.media.album import Album
from consumer.media.facts import Box, Jpeg, Moment, Probe, Shot
from consumer.media.pick import Pick, pick
from consumer.media.picture import Image, Upright
from core.error_codes import ErrorCode
from core.failure import Failure
from core.result import Frame

MIN_SIDE_PX = 32
# what is left of a head: so many cells across
MOSAIC_CELLS = 5


def close_ups(
    path: Path, probe: Probe, shots: Sequence[Shot], *, out: Album, progress: Callable[[float], None], jpeg: Jpeg
) -> tuple[Frame, ...]:
    """Writes the n-th shot, in the order of their times, to `out`/f00.jpg, f01.jpg, ... Never larger than the clip
    shows it. Raises Failure: NO_VALID_FRAMES when nothing decodes."""
    ordered = sorted(shots, key=lambda shot: shot.t)
    upright = Upright(probe, None)
    frames = []
    for number, picked in enumerate(pick(path, [Moment(t=shot.t) for shot in ordered])):
        frames.append(_kept(f"f{number:02d}", picked, upright(picked.frame), ordered[number], out, jpeg))
        progress((number + 1) / len(ordered))
    if not frames:
        raise Failure(ErrorCode.NO_VALID_FRAMES, "no picture of the clip decodes")
    return tuple(frames)


def _kept(name: str, picked: Pick, image: Image, shot: Shot, out: Album, jpeg: Jpeg) -> Frame:
    if shot.blur is not None:
        image = hidden(image, shot.blur)
    part = scaled(cut(image, shot.box), jpeg.long_side)
    encoded, data = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, jpeg.quality])
    if not encoded:
        raise Failure(ErrorCode.FRAME_EXTRACTION_FAILED, f"no JPEG of picture {picked.index}")
    (out / f"{name}.jpg").write_bytes(data.tobytes())
    height, width = part.shape[:2]
    return Frame(id=name, t=picked.t, frame_index=picked.index, why="even", width=width, height=height)


def cut(image: Image, box: Box) -> Image:
    """The part of the picture, at least MIN_SIDE_PX wide and high where the picture is."""
    x0, x1 = _span(box[0], box[2], image.shape[1])
    y0, y1 = _span(box[1], box[3], image.shape[0])
    return image[y0:y1, x0:x1]


def scaled(image: Image, long_side: int) -> Image:
    height, width = image.shape[:2]
    share = long_side / max(width, height)
    if share >= 1:
        return image
    size = max(1, round(width * share)), max(1, round(height * share))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def hidden(image: Image, box: Box) -> Image:
    """A copy whose ellipse within `box` is a coarse mosaic: a blur can be undone, cells that are gone cannot."""
    height, width = image.shape[:2]
    x0, x1 = _span(box[0], box[2], width)
    y0, y1 = _span(box[1], box[3], height)
    part = image[y0:y1, x0:x1]
    cells = cv2.resize(part, (MOSAIC_CELLS, MOSAIC_CELLS), interpolation=cv2.INTER_AREA)
    coarse = cv2.resize(cells, (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
    mask = np.zeros(part.shape[:2], dtype=np.uint8)
    centre, axes = ((x1 - x0) // 2, (y1 - y0) // 2), ((x1 - x0 + 1) // 2, (y1 - y0 + 1) // 2)
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1)
    changed = image.copy()
    changed[y0:y1, x0:x1][mask > 0] = coarse[mask > 0]
    return changed


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    first, last = round(low * size), round(high * size)
    if last - first < MIN_SIDE_PX:
        first = (first + last - MIN_SIDE_PX) // 2
        last = first + MIN_SIDE_PX
    return max(0, min(first, size - 1)), max(1, min(last, size))
