"""The clip with the measurement drawn on: hip line coloured by speed, the hip point, the phase."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from consumer.media.decode import sample
from consumer.media.facts import Probe
from core.result import Measurement, TrackPoint

Image = NDArray[np.uint8]
Colour = tuple[int, int, int]

TIME_BASE: Final = Fraction(1, 90_000)
# more than any clip has: every picture is wanted
EVERY_PICTURE_HZ: Final = 1000.0
LABEL_SECONDS: Final = 1.0
# BGR from slow to fast; the fast end is the clip's own 95th percentile
SLOW: Final[Colour] = (255, 120, 0)
FAST: Final[Colour] = (0, 60, 255)
WHITE: Final[Colour] = (255, 255, 255)
RING: Final[Colour] = (0, 212, 255)
LINE_GAP_S: Final = 0.75


def draw_video(path: Path, probe: Probe, measured: Measurement, to: Path, progress: Callable[[float], None]) -> None:
    """Write an H.264 mp4 of the displayed size with the source's timestamps. Raises Failure as `sample` does."""
    drawing = Drawing(measured)
    with av.open(str(to), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: Any = container.add_stream("libx264", rate=round(probe.fps or 30), options={"crf": "20"})
        # 4:2:0 has no odd sizes
        stream.width, stream.height = probe.width // 2 * 2, probe.height // 2 * 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        last = -1
        for picture in sample(path, probe, EVERY_PICTURE_HZ):
            image = drawing.on(picture.image, picture.t)[: stream.height, : stream.width]
            frame = VideoFrame.from_ndarray(np.ascontiguousarray(image), format="bgr24")
            last = frame.pts = max(last + 1, round(picture.t / TIME_BASE))
            frame.time_base = TIME_BASE
            container.mux(stream.encode(frame))
            progress(min(1.0, picture.t / measured.video.duration_s))
        container.mux(stream.encode(None))
    progress(1.0)


class Drawing:
    """What to draw at a time. The line is glued to the wall: it moves with the camera, not with the climber."""

    def __init__(self, measured: Measurement) -> None:
        self._track = measured.track
        self._measured = measured
        self._times = np.array([point.t for point in self._track])
        self._speeds = _speeds(self._track, measured.video.width / measured.video.height)
        known = self._speeds[self._speeds > 0]
        self._fast = float(np.percentile(known, 95)) if len(known) else 1.0

    def on(self, picture: Image, t: float) -> Image:
        """A copy of the upright BGR picture with the drawing for `t`."""
        image = picture.copy()
        self._draw_line(image, t)
        for event in self._measured.events:
            if event.kind == "placement" and 0 <= t - event.t <= LABEL_SECONDS:
                then, now = self._shift(event.t), self._shift(t)
                _ring(image, (event.x or 0) + now[0] - then[0], (event.y or 0) + now[1] - then[1])
        self._draw_label(image, t)
        return image

    def _draw_line(self, image: Image, t: float) -> None:
        now = int(np.searchsorted(self._times, t + 1e-6)) - 1
        if now < 0:
            return
        height, width = image.shape[:2]
        shift = self._shift(t)
        thick = max(2, min(width, height) // 160)
        places = [
            (round(((p.wall_x or 0) + shift[0]) * width), round(((p.wall_y or 0) + shift[1]) * height))
            for p in self._track[: now + 1]
        ]
        for k in range(1, now + 1):
            if self._times[k] - self._times[k - 1] <= LINE_GAP_S:
                colour = _colour(float(self._speeds[k]) / self._fast)
                cv2.line(image, places[k - 1], places[k], colour, thick, cv2.LINE_AA)
        if t - self._times[now] <= LINE_GAP_S:
            here = self._place(t)
            at = (round(here[0] * width), round(here[1] * height))
            cv2.circle(image, at, 3 * thick, WHITE, -1, cv2.LINE_AA)
            cv2.circle(image, at, 2 * thick, FAST, -1, cv2.LINE_AA)

    def _place(self, t: float) -> tuple[float, float]:
        x, y = ([getattr(p, name) for p in self._track] for name in ("x", "y"))
        return float(np.interp(t, self._times, x)), float(np.interp(t, self._times, y))

    def _shift(self, t: float) -> tuple[float, float]:
        """Where the wall's first picture lies in the picture at `t`, as a shift."""
        x = [p.x - (p.wall_x or 0) for p in self._track]
        y = [p.y - (p.wall_y or 0) for p in self._track]
        return float(np.interp(t, self._times, x)), float(np.interp(t, self._times, y))

    def _draw_label(self, image: Image, t: float) -> None:
        kind = next((phase.kind for phase in self._measured.phases if phase.t0 <= t < phase.t1), None)
        text = f"{t:5.1f} s  {'' if kind is None else kind.replace('_', ' ')}"
        scale = min(image.shape[:2]) / 700
        at = (round(20 * scale), round(40 * scale))
        for colour, thick in (((0, 0, 0), 5), (WHITE, 2)):
            cv2.putText(
                image, text, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, max(1, round(thick * scale)), cv2.LINE_AA
            )


def _speeds(track: tuple[TrackPoint, ...], aspect: float) -> NDArray[np.float64]:
    """(n,) speed into each point, picture heights a second; 0 for the first and after a gap."""
    speed = np.zeros(len(track))
    for k in range(1, len(track)):
        a, b = track[k - 1], track[k]
        if 0 < b.t - a.t <= LINE_GAP_S:
            dx = ((b.wall_x or 0) - (a.wall_x or 0)) * aspect
            dy = (b.wall_y or 0) - (a.wall_y or 0)
            speed[k] = float(np.hypot(dx, dy)) / (b.t - a.t)
    return speed


def _colour(share: float) -> Colour:
    part = min(1.0, max(0.0, share))
    blue, green, red = (round(slow + (fast - slow) * part) for slow, fast in zip(SLOW, FAST, strict=True))
    return blue, green, red


def _ring(image: Image, x: float, y: float) -> None:
    height, width = image.shape[:2]
    at, radius = (round(x * width), round(y * height)), max(8, min(width, height) // 40)
    cv2.circle(image, at, radius, RING, max(2, min(width, height) // 250), cv2.LINE_AA)
