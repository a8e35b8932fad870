"""A decoded frame as the picture people see: scaled, turned upright, BGR."""

from typing import Any, TypeAlias

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from consumer.media.facts import Probe

Image: TypeAlias = NDArray[np.uint8]


def displayed_size(probe: Probe, long_side: int | None) -> tuple[int, int]:
    """(width, height) in pixels of the upright picture: never larger than the clip, aspect kept."""
    longest = max(probe.width, probe.height)
    if long_side is None or long_side >= longest:
        return probe.width, probe.height
    return max(1, round(probe.width * long_side / longest)), max(1, round(probe.height * long_side / longest))


class Upright:
    """Makes frames of one clip upright BGR uint8 pictures, shape (height, width, 3) of `displayed_size`.

    One swscale pass reads the YUV planes and writes the small BGR picture: 2.5 to 9 times faster than converting
    first and then shrinking with cv2.INTER_AREA (1080p and 4K to 640 and 1024), and within one grey level of it.
    """

    def __init__(self, probe: Probe, long_side: int | None) -> None:
        width, height = displayed_size(probe, long_side)
        self._stored = (height, width) if probe.rotation in (90, 270) else (width, height)
        # np.rot90 turns counter-clockwise, `rotation` is clockwise
        self._quarters = -probe.rotation // 90
        self._scale = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> Image:
        width, height = self._stored
        scaled = self._scale.reformat(
            frame,
            width,
            height,
            "bgr24",
            interpolation="AREA" if width < frame.width or height < frame.height else "BICUBIC",
            # swscale's own default is a thread for each core of the machine: slower, and 40 of them hold 160 MB
            threads=1,
        )
        pixels: Any = scaled.to_ndarray()
        return np.ascontiguousarray(np.rot90(pixels, self._quarters))
