"""Test clips, encoded when a test asks for them: every picture carries its own index as a barcode.

A barcode is drawn into the picture as displayed (upright), so reading it proves the rotation too: turned or
mirrored, its second row is no longer the inverse of the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, count
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

BITS = 16
# the barcode's place: two rows of BITS blocks over the whole width, at these shares of the height
ROWS = (0.15, 0.40)
ROW_HEIGHT = 0.2
TIME_BASE = Fraction(1, 12_800)


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """How to write a clip. `rotation` in degrees clockwise, as displayed; `offset_s` shifts all timestamps;
    `times` gives each picture its second (variable frame rate), else they follow `fps`."""

    codec: str = "libx264"
    fps: int = 30
    gop: int = 30
    b_frames: int = 0
    rotation: int = 0
    offset_s: float = 0
    times: Sequence[float] | None = None
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


H264 = Encoding(options={"preset": "ultrafast", "tune": "fastdecode", "crf": "30"})
H264_B = replace(H264, b_frames=2, options={"preset": "veryfast", "crf": "30"})
HEVC = Encoding(codec="libx265", options={"preset": "ultrafast", "x265-params": "log-level=none:pools=1"})
HEVC_B = replace(HEVC, b_frames=3)
VP9 = Encoding(codec="libvpx-vp9", options={"deadline": "realtime", "cpu-used": "8"})
VP8 = Encoding(codec="libvpx", options={"deadline": "realtime", "cpu-used": "8", "b": "1M"})
# low delay: its other structure smears a picture into the next at these sizes
AV1 = Encoding(codec="libsvtav1", options={"preset": "10", "crf": "20", "svtav1-params": "lp=1:pred-struct=1"})
MPEG4 = Encoding(codec="mpeg4", options={"b": "2M"})
MJPEG = Encoding(codec="mjpeg", pix_fmt="yuvj420p", options={"q": "5"})
PRORES = Encoding(codec="prores_ks", pix_fmt="yuv422p10le")


def barcode(index: int, size: tuple[int, int] = (320, 240)) -> Image:
    """A grey picture (height, width, 3) with `index` in two rows of blocks, the second the inverse of the first."""
    width, height = size
    image = np.full((height, width, 3), 90, np.uint8)
    # a slow drift, so that encoders have something to predict
    image[:, :, 1] += (np.arange(width) * 60 // width + index % 40).astype(np.uint8)[None, :]
    edges = np.linspace(0, width, BITS + 1).astype(int)
    for bit in range(BITS):
        lit = index >> bit & 1
        for row, value in zip(ROWS, (lit, 1 - lit), strict=True):
            top, bottom = int(row * height), int((row + ROW_HEIGHT) * height)
            image[top:bottom, edges[bit] : edges[bit + 1]] = 235 if value else 16
    return image


def read_barcode(image: NDArray[Any]) -> int:
    """The index drawn by `barcode`, from an upright picture of any size. Raises ValueError if there is none."""
    height, width = image.shape[:2]
    grey = image.reshape(height, width, -1).mean(axis=2)
    columns = ((np.arange(BITS) + 0.5) * width / BITS).astype(int)
    rows = [grey[int((row + ROW_HEIGHT / 2) * height), columns] > 128 for row in ROWS]
    if not np.array_equal(rows[0], ~rows[1]):
        raise ValueError("no barcode: the picture is turned, torn or of another clip")
    return int(sum(1 << bit for bit in range(BITS) if rows[0][bit]))


def barcode_in(path: Path) -> int:
    """The index drawn in a picture file."""
    image = cv2.imread(str(path))
    if image is None:
        raise ValueError(f"no picture in {path.name}")
    return read_barcode(image)


def barcodes(pictures: int, size: tuple[int, int] = (320, 240)) -> Iterator[Image]:
    return (barcode(index, size) for index in range(pictures))


def write_clip(path: Path, pictures: Iterable[Image], encoding: Encoding = H264) -> Path:
    """Encodes upright BGR pictures (all of one size); the path's suffix names the container."""
    images = iter(pictures)
    first = _stored(next(images), encoding)
    with _same_scheduling(), av.open(str(path), "w", container_options=encoding.container_options) as container:
        stream = _stream(container, encoding, first)
        stored = chain([first], (_stored(image, encoding) for image in images))
        for image, pts in zip(stored, _ticks(encoding), strict=False):
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts, frame.time_base = pts, TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@contextmanager
def _same_scheduling() -> Iterator[None]:
    """SVT-AV1, when root runs it, makes the thread that calls it a real-time one, and all that is started from there:
    a loop in one of them starves the whole machine."""
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


def _stored(image: Image, encoding: Encoding) -> Image:
    # shown clockwise by `rotation`, so stored turned the other way
    return np.ascontiguousarray(np.rot90(image, encoding.rotation // 90))


def _ticks(encoding: Encoding) -> Iterator[int]:
    times: Iterable[float] = (index / encoding.fps for index in count()) if encoding.times is None else encoding.times
    return (round((t + encoding.offset_s) / TIME_BASE) for t in times)


def _stream(container: Any, encoding: Encoding, first: Image) -> Any:
    stream = container.add_stream(encoding.codec, rate=encoding.fps, options=dict(encoding.options))
    stream.height, stream.width = first.shape[:2]
    stream.pix_fmt = encoding.pix_fmt
    stream.gop_size = encoding.gop
    stream.max_b_frames = encoding.b_frames
    stream.thread_count = 1
    if encoding.times is not None or encoding.offset_s:
        stream.codec_context.time_base = TIME_BASE
    if encoding.rotation:
        # PyAV counts counter-clockwise
        stream.set_display_rotation(-encoding.rotation)
    return stream


def write_sound(path: Path, seconds: float = 2) -> Path:
    """A file with silence and no picture."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("aac", rate=44_100)
        for block in range(int(seconds * 44_100 / 1024)):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 44_100, block * 1024
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def truncate(source: Path, path: Path, share: float) -> Path:
    """The first `share` of a file's bytes."""
    data = source.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path
