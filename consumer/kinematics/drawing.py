"""The clip with the measurement drawn on: hip line coloured by speed, placements, phase, and a bar of time."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from consumer.kinematics.glue import Glue
from consumer.kinematics.palette import BLACK, LINE_GAP_S, RING, WHITE, fast_end, of_speed, speeds
from consumer.kinematics.timebar import TimeBar
from consumer.media.decode import sample
from consumer.media.facts import Probe
from core.result import Event, Measurement

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

TIME_BASE: Final = Fraction(1, 90_000)
# more than any clip has: every picture is wanted
EVERY_PICTURE_HZ: Final = 1000.0
LABEL_SECONDS: Final = 1.0
GROUND: Final = frozenset({"ground", "no_climber"})


def draw_video(path: Path, probe: Probe, measured: Measurement, to: Path, progress: Callable[[float], None]) -> None:
    """Write an H.264 mp4 of the displayed size with the source's timestamps. Raises Failure as `sample` does."""
    drawing = Drawing(measured)
    with av.open(str(to), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: Any = container.add_stream("libx264", rate=round(probe.fps or 30), options={"crf": "20"})
        # 4:2:0 has no odd sizes
        stream.width, stream.height = max(2, probe.width // 2 * 2), max(2, probe.height // 2 * 2)
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
    """What to draw at a time. The line is glued to the wall: it moves, turns and grows with it in the picture."""

    def __init__(self, measured: Measurement) -> None:
        track, aspect = measured.track, measured.video.width / measured.video.height
        self._glue = Glue(measured)
        self._bar = TimeBar(measured)
        self._times = np.array([point.t for point in track])
        self._hips = np.array([(point.x, point.y) for point in track], dtype=np.float64).reshape(-1, 2)
        self._wall = np.array([(p.wall_x or 0, p.wall_y or 0) for p in track], dtype=np.float64).reshape(-1, 2)
        self._scenes = np.array([self._glue.scene(point.t) for point in track], dtype=np.int64)
        near = np.diff(self._times, prepend=-np.inf) <= LINE_GAP_S
        self._joined = near & (np.diff(self._scenes, prepend=-1) == 0) & _off_the_ground(measured, self._times)
        speed = speeds(track, aspect)
        fast = fast_end(measured, speed)
        self._colours = [of_speed(float(one) / fast) for one in speed]
        self._put = [event for event in measured.events if event.kind == "placement" and event.x is not None]

    def on(self, picture: Image, t: float) -> Image:
        """A copy of the upright BGR picture with the drawing for `t`."""
        image = picture.copy()
        self._draw_line(image, t)
        for event in self._put:
            if event.t <= t and self._glue.scene(event.t) == self._glue.scene(t):
                self._draw_placement(image, event, t)
        self._bar.draw(image, t)
        return image

    def _draw_line(self, image: Image, t: float) -> None:
        now = int(np.searchsorted(self._times, t + 1e-6)) - 1
        if now < 0:
            return
        height, width = image.shape[:2]
        thick = max(2, min(width, height) // 160)
        places = self._glue.to_picture(self._wall[: now + 1], t) * (width, height)
        # far outside of the picture, OpenCV's whole numbers overflow
        dots = np.clip(places, -8 * max(width, height), 8 * max(width, height)).round().astype(int).tolist()
        scene = self._glue.scene(t)
        drawn = [k for k in range(1, now + 1) if self._joined[k] and self._scenes[k] == scene]
        for k in drawn:
            # a dark edge, for walls of the line's own colour
            cv2.line(image, dots[k - 1], dots[k], BLACK, thick + max(2, thick // 2), cv2.LINE_AA)
        for k in drawn:
            cv2.line(image, dots[k - 1], dots[k], self._colours[k], thick, cv2.LINE_AA)
        if t - self._times[now] <= LINE_GAP_S:
            self._draw_hip(image, t, now, thick)

    def _draw_hip(self, image: Image, t: float, now: int, thick: int) -> None:
        height, width = image.shape[:2]
        x, y = (float(np.interp(t, self._times, self._hips[:, axis])) for axis in (0, 1))
        at = (round(x * width), round(y * height))
        cv2.circle(image, at, 3 * thick, WHITE, -1, cv2.LINE_AA)
        cv2.circle(image, at, 2 * thick, self._colours[now], -1, cv2.LINE_AA)

    def _draw_placement(self, image: Image, event: Event, t: float) -> None:
        """A ring as the hand is put, a dot from then on."""
        height, width = image.shape[:2]
        wall = self._glue.to_wall(np.array([[event.x or 0, event.y or 0]]), event.t)
        x, y = self._glue.to_picture(wall, t)[0] * (width, height)
        if not (-width < x < 2 * width and -height < y < 2 * height):
            return
        at, thick = (round(x), round(y)), max(2, min(width, height) // 250)
        if t - event.t <= LABEL_SECONDS:
            cv2.circle(image, at, max(8, min(width, height) // 40), RING, thick, cv2.LINE_AA)
        cv2.circle(image, at, 2 * thick, RING, -1, cv2.LINE_AA)


def _off_the_ground(measured: Measurement, times: Array) -> NDArray[np.bool_]:
    """Where the line is his climb, or his fall: not the way to the wall. All of it in a sport that has no phases."""
    walks = np.zeros(len(times), dtype=np.bool_)
    for phase in measured.phases:
        if phase.kind in GROUND:
            walks |= (times > phase.t0) & (times <= phase.t1)
    return ~walks
