"""One sampled picture, kept small enough that half a minute of them fits in memory."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

SAMPLE_HZ = 10.0
LONG_SIDE = 640
GRAY_SIDE = 320
COLOUR_SIDE = 240
# the blob search looks at this many pictures at once: 30 s, about 70 MB
CHUNK = 300


@dataclass(frozen=True, kw_only=True)
class Shot:
    """`t` seconds, `index` of the picture in the clip, `width` and `height` of the sampled picture in pixels.

    `gray` (long side 320) is for the camera, `colour` (long side 240, BGR) for moving people, and `picture()`
    gives the sampled picture back.
    """

    t: float
    index: int
    width: int
    height: int
    packed: NDArray[np.uint8]
    gray: Image
    colour: Image

    def picture(self) -> Image:
        """The sampled picture, BGR."""
        image: Any = cv2.imdecode(self.packed, cv2.IMREAD_COLOR)
        unpacked: Image = image
        return unpacked


def take(t: float, index: int, image: Image) -> Shot:
    """A shot of one upright BGR picture."""
    gray: Any = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    packed: Any = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    return Shot(
        t=t,
        index=index,
        width=image.shape[1],
        height=image.shape[0],
        packed=packed,
        gray=shrink(gray, GRAY_SIDE),
        colour=shrink(image, COLOUR_SIDE),
    )


def shrink(image: Image, long_side: int) -> Image:
    """The picture with its long side at most `long_side`."""
    height, width = image.shape[:2]
    scale = long_side / max(width, height)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    result: Image = small
    return result


def chunks(shots: Iterable[Shot]) -> Iterator[list[Shot]]:
    """The shots in time order, CHUNK at a time."""
    chunk: list[Shot] = []
    for shot in shots:
        chunk.append(shot)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
