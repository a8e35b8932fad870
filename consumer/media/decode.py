"""Pictures of a clip in time order, at about so many a second, decoded once."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from consumer.media.clip import Clip, Skip, open_clip
from consumer.media.facts import Probe
from consumer.media.picture import Image, Upright
from consumer.media.policy import POLICY
from consumer.media.timeline import Timeline, read_timeline
from core.error_codes import ErrorCode
from core.failure import Failure

# Timestamps are whole ticks and grid times are floats: two times closer than this are the same.
SAME_TIME_S = 1e-4


@dataclass(frozen=True, kw_only=True)
class Picture:
    """`t` in seconds from the clip's first picture, `index` its place in the clip, `image` upright BGR uint8."""

    t: float
    index: int
    image: Image


class Sample(Iterator[Picture]):
    """The pictures of one clip in time order. `truncated` (the file holds less than it declares, or some of it
    does not decode) is final when the iteration has ended. `close()` ends it early and closes the file."""

    def __init__(self, path: Path, probe: Probe, *, hz: float, long_side: int | None) -> None:
        self.truncated = probe.truncated
        self._pictures = self._read(path, probe, hz, long_side)

    def __next__(self) -> Picture:
        return next(self._pictures)

    def close(self) -> None:
        self._pictures.close()

    def _read(self, path: Path, probe: Probe, hz: float, long_side: int | None) -> Generator[Picture]:
        with open_clip(path) as clip:
            timeline = read_timeline(clip, POLICY)
        with open_clip(path) as clip:
            upright, count = Upright(probe, long_side), 0
            for t, index, frame in _on_grid(clip, timeline, hz):
                yield Picture(t=t, index=index, image=upright(frame))
                count += 1
            self.truncated = self.truncated or clip.damaged > 0
        if not count:
            raise Failure(ErrorCode.NO_VALID_FRAMES, "no picture of the clip decodes")


def sample(path: Path, probe: Probe, hz: float, long_side: int | None = None) -> Sample:
    """Of each time k / hz the first picture at or after it, once: never more pictures than the clip has.

    `image` has shape (height, width, 3), its long side at most `long_side`. What is not wanted is neither
    converted nor, where no other picture needs it, decoded. A file that ends early gives what it has.
    Raises Failure NO_VALID_FRAMES when nothing decodes.
    """
    if not hz > 0:
        raise ValueError(f"hz must be positive: {hz}")
    return Sample(path, probe, hz=hz, long_side=long_side)


def _on_grid(clip: Clip, timeline: Timeline | None, hz: float) -> Iterator[tuple[float, int, VideoFrame]]:
    grid = 0
    for t, index, frame in timed_pictures(clip, timeline, _unwanted(timeline, hz)):
        if t + SAME_TIME_S >= grid / hz:
            grid = math.floor((t + SAME_TIME_S) * hz) + 1
            yield t, index, frame


def timed_pictures(
    clip: Clip, timeline: Timeline | None, skip: Skip | None = None
) -> Iterator[tuple[float, int, VideoFrame]]:
    """(seconds from the first picture, index, frame) in the order shown; the time never steps back."""
    first = None if timeline is None else timeline.pts[0]
    latest = 0.0
    for count, frame in enumerate(clip.pictures(skip)):
        pts = frame.pts or 0
        first = pts if first is None else first
        ticks = count * clip.ticks_per_picture if clip.is_constant_rate else pts - first
        latest = max(latest, float(ticks * clip.time_base))
        yield latest, count if timeline is None else timeline.index(pts), frame


def _unwanted(timeline: Timeline | None, hz: float) -> Skip | None:
    """Says of a packet that the grid will not ask for its picture."""
    if timeline is None:
        return None
    wanted: set[int] = set()
    grid = 0
    for pts in timeline.pts:
        t = timeline.seconds(pts) + SAME_TIME_S
        if t >= grid / hz:
            grid = math.floor(t * hz) + 1
            wanted.add(pts)

    def skip(packet: Packet[VideoStream]) -> bool:
        return packet.pts not in wanted

    return skip
