"""The extraction benchmark's clips: each picture has its index drawn into it. Made once, kept under .data/bench."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from tests.clips import H264, HEVC, Encoding, Image, barcode, write_clip

HD, UHD = (1920, 1080), (3840, 2160)


@dataclass(frozen=True, kw_only=True)
class BenchClip:
    """`times`: each picture's second."""

    name: str
    about: str
    size: tuple[int, int]
    times: Sequence[float]
    encoding: Encoding


def _even(pictures: int, fps: int) -> tuple[float, ...]:
    return tuple(index / fps for index in range(pictures))


def _uneven(pictures: int) -> tuple[float, ...]:
    """As phones write it in the dark: 30 a second, every now and then one left out, none exactly on its time."""
    rng = np.random.default_rng(5)
    steps = np.where(rng.random(pictures) < 0.15, 2, 1) / 30 + rng.uniform(-0.004, 0.004, pictures)
    return tuple(float(t) for t in np.round(np.cumsum(steps) - steps[0], 4))


_PHONE = replace(H264, options={"preset": "veryfast", "b": "8M"})
_4K = replace(HEVC, gop=60, fps=60, options={"preset": "ultrafast", "b": "30M", "x265-params": "log-level=none"})
_VFR = _uneven(600)
CLIPS = (
    BenchClip(name="hd-gop30.mp4", about="1080p30 H.264, GOP 30", size=HD, times=_even(600, 30), encoding=_PHONE),
    BenchClip(
        name="hd-gop250.mp4",
        about="1080p30 H.264, GOP 250, B-frames",
        size=HD,
        times=_even(600, 30),
        encoding=replace(_PHONE, gop=250, b_frames=2),
    ),
    BenchClip(
        name="hd-vfr.mp4",
        about="1080p H.264, GOP 30, variable frame rate",
        size=HD,
        times=_VFR,
        encoding=replace(_PHONE, times=_VFR),
    ),
    BenchClip(name="4k60.mp4", about="4K60 HEVC, GOP 60", size=UHD, times=_even(600, 60), encoding=_4K),
)


def made(clip: BenchClip, folder: Path) -> Path:
    path = folder / clip.name
    if not path.exists():
        half = write_clip(folder / f"half-{clip.name}", pictures(clip), clip.encoding)
        half.rename(path)
    return path


def pictures(clip: BenchClip) -> Iterator[Image]:
    """Barcodes over moving noise: about the bits of a phone's clip."""
    width, height = clip.size
    rng = np.random.default_rng(1)
    texture = rng.integers(0, 120, (height, width + 600, 3), np.uint8)
    texture = cv2.GaussianBlur(texture, (0, 0), 2) * 2
    for index in range(len(clip.times)):
        image = barcode(index, clip.size)
        below = height * 6 // 10
        image[below:] = texture[below:, index % 600 : index % 600 + width]
        yield image
