"""A probe's clip: four seconds of the drawn climber, with this run's nonce and the second as a QR code."""

import hashlib
import io
import re
import secrets
from dataclasses import dataclass
from typing import Any

import av
import cv2
import numpy as np

from prober.figure import Figure, Image, wall

FPS = 15
MODULE_PX = 5
QUIET_MODULES = 4
"""The light border that the standard asks for."""
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
    return secrets.token_hex(4).upper()


def make_clip(nonce: str, figure: Figure | None = None) -> Clip:
    """`nonce`: 8 hex digits in capitals."""
    figure = figure or Figure()
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast", "crf": "22"})
        stream.width, stream.height = figure.size
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        codes = [_code(Mark(nonce=nonce, second=second)) for second in range(int(figure.seconds) + 1)]
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
    for look in (_corner(image), cv2.resize(_corner(image), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), image):
        text, _, _ = cv2.QRCodeDetector().detectAndDecode(look)
        if found := _MARK.fullmatch(text):
            return Mark(nonce=found[1], second=int(found[2]))
    return None


def _corner(image: Any) -> Any:
    """Where the code is. Of the whole picture OpenCV misses one code in twelve, of its corner none in a thousand."""
    height, width = image.shape
    return image[: round(CORNER[1] * height), : round(CORNER[0] * width)]


def _code(mark: Mark) -> Image:
    modules = cv2.QRCodeEncoder.create().encode(f"PERFORMATE/{mark.nonce}/{mark.second}")
    code: Image = np.asarray(modules, dtype=np.uint8).repeat(MODULE_PX, axis=0).repeat(MODULE_PX, axis=1)
    return code
