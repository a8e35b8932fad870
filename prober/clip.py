"""A probe's clip: four seconds of the drawn climber, with this run's nonce and the second as a QR code."""

import hashlib
import io
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import cv2
import numpy as np

from prober.figure import Figure, Image, wall

FPS = 15
MODULE_PX = 5
MODULES = 25
"""Of one side, its own border included, for texts as long as ours."""
SIZES = ((4, 2), (6, 2), (8, 2), (3, 4))
"""Pixels of a module and modules of border, of a code that is drawn anew to be read."""
MOST_NONCES = 100
CODE_AT = (8, 8)
CORNER = (0.45, 0.25)
"""Shares of width and height that the code lies in."""
_MARK = re.compile(r"PERFORMATE/([0-9A-F]{8})/([0-9]{1,3})")


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What a QR code says: whose clip this is, and which second of it (0 is the first)."""

    nonce: str
    second: int


@dataclass(frozen=True, kw_only=True)
class Clip:
    """An MP4 file in memory, and what a right answer about it must hold."""

    data: bytes
    nonce: str
    figure: Figure

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def md5(self) -> str:
        """S3's ETag of an object that was stored in one piece."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()

    def second_at(self, t: float) -> int:
        """The second that the picture at `t` shows; a time stamp may be rounded down by a hair."""
        return int(t + 0.25 / FPS)


def new_nonce() -> str:
    """8 hex digits in capitals. One whose codes cannot all be read again would make a right answer look wrong.
    Raises RuntimeError where OpenCV reads nothing at all."""
    for _ in range(MOST_NONCES):
        nonce = secrets.token_hex(4).upper()
        if all(is_legible(Mark(nonce=nonce, second=second)) for second in _seconds(Figure())):
            return nonce
    raise RuntimeError(f"of {MOST_NONCES} nonces OpenCV reads no code again")


def is_legible(mark: Mark) -> bool:
    """Whether OpenCV reads the code that it draws of this: of some thousands it does not read one, in any size."""
    modules = _encoded(mark)
    return any(_read(look) == mark for look in _drawn_anew(modules))


def _seconds(figure: Figure) -> range:
    return range(int(figure.seconds) + 1)


def make_clip(nonce: str, figure: Figure | None = None) -> Clip:
    """`nonce`: 8 hex digits in capitals."""
    figure = figure or Figure()
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "22"})
        stream.width, stream.height = figure.size
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        codes = [_code(Mark(nonce=nonce, second=second)) for second in _seconds(figure)]
        for index in range(round(figure.seconds * FPS)):
            image = picture(figure, index / FPS, codes[index // FPS])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return Clip(data=file.getvalue(), nonce=nonce, figure=figure)


def picture(figure: Figure, t: float, code: Image) -> Image:
    image = wall(figure).copy()
    figure.draw_on(image, t)
    left, top = CODE_AT
    image[top : top + code.shape[0], left : left + code.shape[1]] = code[:, :, None]
    return image


def read_mark(jpeg: bytes) -> Mark | None:
    """The mark in a picture file; None where there is none that can be read. Raises ValueError for what is no
    picture."""
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ValueError("not a picture")
    return next(filter(None, map(_read, _looks(image))), None)


def _read(look: Any) -> Mark | None:
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(look)
    found = _MARK.fullmatch(text)
    return None if found is None else Mark(nonce=found[1], second=int(found[2]))


def _looks(image: Any) -> Iterator[Any]:
    """Ways to look at a picture, the likeliest first. OpenCV's reader misses one code in twelve of whole pictures, one
    in hundreds of the corner that it lies in, and of the same code drawn anew in several sizes another one each time.
    """
    height, width = image.shape
    corner = image[: round(CORNER[1] * height), : round(CORNER[0] * width)]
    yield corner
    yield from _drawn_anew(_modules(image))
    yield cv2.resize(corner, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    yield image


def _drawn_anew(modules: Any) -> Iterator[Any]:
    for module_px, border in SIZES:
        drawn = modules.repeat(module_px, axis=0).repeat(module_px, axis=1)
        edge = border * module_px
        yield cv2.copyMakeBorder(drawn, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=255)


def _modules(image: Any) -> Any:
    """What each module is, 0 or 255, where the code was drawn: by its middle, so that what a codec does to edges
    counts for nothing."""
    scale = image.shape[1] / Figure().size[0]
    middles = ((np.arange(MODULES) + 0.5) * MODULE_PX + CODE_AT[0]) * scale
    at = np.clip(middles.astype(int), 0, min(image.shape) - 1)
    grey = cv2.blur(image, (3, 3))[np.ix_(at, at)]
    return np.where(grey > 127, 255, 0).astype(np.uint8)


def _encoded(mark: Mark) -> Image:
    """Its modules, 0 or 255, with a border of one module."""
    return np.asarray(cv2.QRCodeEncoder.create().encode(f"PERFORMATE/{mark.nonce}/{mark.second}"), np.uint8)


def _code(mark: Mark) -> Image:
    return _encoded(mark).repeat(MODULE_PX, axis=0).repeat(MODULE_PX, axis=1)
