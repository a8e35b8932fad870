"""Which picture is shown at a moment: found by seeking, or by reading in order where a file does not say its times."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from consumer.media.clip import Clip, open_clip
from consumer.media.decode import SAME_TIME_S, timed_pictures
from consumer.media.facts import Moment
from consumer.media.policy import POLICY
from consumer.media.timeline import Timeline, read_timeline

NEIGHBOUR_S = 0.15
# pictures nearer to each other than this are blurred alike: at 240 a second it would be 72 to look at
APART_S = 0.03
# Sharpness is compared on small pictures: noise of single pixels is not sharpness.
SHARPNESS_SIDE = 480

__all__ = ["Moment", "Pick", "pick", "sharpness"]


@dataclass(frozen=True, kw_only=True)
class Pick:
    """The picture found for a moment: its own time in seconds, its place in the clip, and the decoded frame."""

    t: float
    index: int
    frame: VideoFrame
    moment: Moment


def pick(path: Path, moments: Sequence[Moment]) -> Iterator[Pick]:
    """One Pick a moment, by time: the first picture at or after it; the last one, behind the end.

    A moment whose picture does not decode takes the next one that does, and before the end the one before it.
    A clip that must be read in order (AVI) ignores `sharpest`.
    """
    ascending = sorted(moments, key=lambda moment: moment.t)
    with open_clip(path) as clip:
        timeline = read_timeline(clip, POLICY)
        if timeline is not None:
            yield from _seeking(clip, timeline, ascending)
            return
    with open_clip(path) as clip:
        yield from _in_order(clip, ascending)


def _seeking(clip: Clip, timeline: Timeline, moments: Sequence[Moment]) -> Iterator[Pick]:
    windows = [_window(timeline, moment) for moment in moments]
    wanted = {pts for window in windows for pts in window}

    def skip(packet: Packet[VideoStream]) -> bool:
        return packet.pts not in wanted

    frames: Iterator[VideoFrame] = iter(())
    last = None
    for moment, window in zip(moments, windows, strict=True):
        keyframe = timeline.keyframe_before(window[0])
        # decoding on is cheaper than a seek back to a keyframe that is already behind
        if last is None or last.pts is None or keyframe > last.pts or window[0] < last.pts:
            clip.seek(keyframe)
            frames, last = clip.pictures(skip), None
        best, last = _best(frames, window, last)
        if best is not None:
            pts = best.pts or 0
            yield Pick(t=timeline.seconds(pts), index=timeline.index(pts), frame=best, moment=moment)


def _window(timeline: Timeline, moment: Moment) -> Sequence[int]:
    """The pts of the pictures that may stand for the moment, at least one, ascending."""
    pts = timeline.at_or_after(moment.t - SAME_TIME_S)
    if not moment.sharpest:
        return [pts]
    reach, apart = round(NEIGHBOUR_S / timeline.time_base), APART_S / timeline.time_base
    near = timeline.pts[bisect_left(timeline.pts, pts - reach) : bisect_right(timeline.pts, pts + reach)]
    spaced = {0: pts}
    for one in near:
        spaced.setdefault(round((one - pts) / apart), one)
    return sorted(spaced.values())


def _best(
    frames: Iterator[VideoFrame], window: Sequence[int], last: VideoFrame | None
) -> tuple[VideoFrame | None, VideoFrame | None]:
    """(the window's sharpest frame, else the first behind it, else the last before the end; the frame read last).

    At most three frames are alive at a time: a dozen of 4K would be 150 MB.
    """
    best, best_score = None, -1.0
    frame = last if last is not None and last.pts in window else next(frames, None)
    while frame is not None:
        last = frame
        pts = frame.pts or 0
        if window[0] <= pts and (best is None or pts in window):
            score = sharpness(frame) if len(window) > 1 else 0.0
            if score > best_score:
                best, best_score = frame, score
        if pts >= window[-1]:
            break
        frame = next(frames, None)
    return best or last, last


def sharpness(frame: VideoFrame) -> float:
    """Variance of the Laplacian of the small grey picture: higher is sharper, comparable within one clip."""
    scale = min(1.0, SHARPNESS_SIDE / max(frame.width, frame.height))
    width, height = max(1, round(frame.width * scale)), max(1, round(frame.height * scale))
    grey = frame.reformat(width, height, "gray", interpolation="AREA", threads=1).to_ndarray()
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _in_order(clip: Clip, moments: Sequence[Moment]) -> Iterator[Pick]:
    waiting = list(reversed(moments))
    latest = None
    for latest in timed_pictures(clip, None):
        t, index, frame = latest
        while waiting and t + SAME_TIME_S >= waiting[-1].t:
            yield Pick(t=t, index=index, frame=frame, moment=waiting.pop())
        if not waiting:
            return
    if latest is not None:
        t, index, frame = latest
        yield from (Pick(t=t, index=index, frame=frame, moment=moment) for moment in reversed(waiting))
