"""Single pictures of a clip at chosen times, exact, as JPEG files."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2

from consumer.media.album import Album
from consumer.media.facts import JPEG, Jpeg, Moment, Probe, even_times
from consumer.media.pick import Pick, pick
from consumer.media.picture import Image, Upright
from core.error_codes import ErrorCode
from core.failure import Failure
from core.result import Frame, FrameReason

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

__all__ = ["even_times", "extract"]


@dataclass(frozen=True, kw_only=True)
class _Kept:
    t: float
    index: int
    why: FrameReason
    width: int
    height: int
    data: bytes


def extract(
    path: Path,
    probe: Probe,
    moments: Sequence[Moment],
    *,
    out: Album,
    progress: Callable[[float], None],
    jpeg: Jpeg = JPEG,
) -> tuple[Frame, ...]:
    """Writes the picture shown at each moment to `out`/f00.jpg, f01.jpg, ... in time order.

    Moments that fall on one picture give one file, with the reason of the earliest. `Frame.t` and `frame_index`
    are the picture's own. `progress` is told the share that is done, 0..1. See `pick` for damaged and odd files.
    Raises Failure: NO_VALID_FRAMES when nothing decodes, SCRATCH_FULL.
    """
    upright = Upright(probe, jpeg.long_side)
    kept: dict[int, _Kept] = {}
    for done, picked in enumerate(pick(path, moments), 1):
        if picked.index not in kept:
            kept[picked.index] = _keep(picked, upright(picked.frame), jpeg)
        progress(done / len(moments))
    if not kept:
        raise Failure(ErrorCode.NO_VALID_FRAMES, "no picture of the clip decodes")
    return tuple(_write(out, number, kept[index]) for number, index in enumerate(sorted(kept)))


def _keep(picked: Pick, image: Image, jpeg: Jpeg) -> _Kept:
    encoded, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, jpeg.quality])
    if not encoded:
        raise Failure(ErrorCode.FRAME_EXTRACTION_FAILED, f"no JPEG of picture {picked.index}")
    height, width = image.shape[:2]
    return _Kept(
        t=picked.t,
        index=picked.index,
        why=picked.moment.why,
        width=width,
        height=height,
        data=data.tobytes(),
    )


def _write(out: Album, number: int, kept: _Kept) -> Frame:
    name = f"f{number:02d}"
    try:
        (out / f"{name}.jpg").write_bytes(kept.data)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise Failure(ErrorCode.SCRATCH_FULL, error.strerror or "") from error
        raise
    return Frame(id=name, t=kept.t, frame_index=kept.index, why=kept.why, width=kept.width, height=kept.height)
