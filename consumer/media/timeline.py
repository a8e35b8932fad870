"""When each picture of a clip is shown, read from the packets alone: no decoder runs."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from av.packet import Packet
from av.video.stream import VideoStream

from consumer.media.clip import Clip
from consumer.media.policy import MediaPolicy
from core.error_codes import ErrorCode
from core.failure import Failure

# A declared duration is rarely exact, and may be that of the sound; a cut file has less than this share of it.
PRESENT_SHARE = 0.95
MICROSECONDS = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """Every picture's time in ticks of `time_base`, ascending; `keyframes` are those that decoding can start from."""

    time_base: Fraction
    pts: Sequence[int]
    keyframes: Sequence[int]
    truncated: bool

    def seconds(self, pts: int) -> float:
        """Seconds from the first picture."""
        return float((pts - self.pts[0]) * self.time_base)

    @property
    def span_s(self) -> float:
        """From the first picture's beginning to the last one's; the last one's own length is not in it."""
        return self.seconds(self.pts[-1])

    @property
    def rate(self) -> float | None:
        """Pictures a second, on the average; None of a single one."""
        return (len(self.pts) - 1) / self.span_s if self.span_s > 0 else None

    def index(self, pts: int) -> int:
        """The place of the picture shown at `pts`, counted from 0."""
        return bisect_left(self.pts, pts)

    def at_or_after(self, t: float) -> int:
        """The pts of the first picture at or after `t` seconds; of the last one behind the end."""
        ticks = self.pts[0] + round(t / self.time_base)
        return self.pts[min(bisect_left(self.pts, ticks), len(self.pts) - 1)]

    def keyframe_before(self, pts: int) -> int:
        """The last keyframe from which the picture at `pts` decodes; also the time to seek to.

        By the order shown, not the order stored: what is stored behind a keyframe and shown before it needs the
        one before that.
        """
        return self.keyframes[max(0, bisect_right(self.keyframes, pts) - 1)]


@dataclass(kw_only=True)
class _Packets:
    """What was seen of a clip's packets: times of pictures that are shown, of all keyframes, and whether some lack."""

    pts: list[int] = field(default_factory=list)
    keyframes: list[int] = field(default_factory=list)
    count: int = 0
    timed: bool = True
    torn: bool = False


def read_timeline(clip: Clip, policy: MediaPolicy) -> Timeline | None:
    """Reads all packets once (about 3 us each). The clip stands at its end afterwards.

    None when the packets do not say when each picture is shown (AVI has no such times): such a clip is read in order.
    Raises Failure INVALID_METADATA over the policy's picture count.
    """
    seen = _Packets(timed=not clip.is_constant_rate)
    shows = _shows_vp8 if clip.codec == "vp8" else _shows
    for packet in clip.packets():
        seen.count += 1
        if seen.count > policy.max_pictures:
            raise Failure(ErrorCode.INVALID_METADATA, f"more than {policy.max_pictures} pictures")
        seen.torn = seen.torn or packet.is_corrupt
        if packet.pts is None:
            seen.timed = False
            continue
        if packet.is_keyframe:
            seen.keyframes.append(packet.pts)
        if shows(packet):
            seen.pts.append(packet.pts)
    return _timeline(clip, seen)


def _shows(packet: Packet[VideoStream]) -> bool:
    # an edit list may cut what has to be decoded all the same
    return not packet.is_discard


def _shows_vp8(packet: Packet[VideoStream]) -> bool:
    """VP8 stores reference pictures that are never shown in packets of their own: RFC 6386, 9.1, show_frame."""
    return not packet.is_discard and bool(memoryview(packet)[0] & 0x10)


def _timeline(clip: Clip, seen: _Packets) -> Timeline | None:
    shown = sorted(seen.pts)
    if not seen.timed or not seen.keyframes or not shown or any(a == b for a, b in pairwise(shown)):
        return None
    return Timeline(
        time_base=clip.time_base,
        pts=shown,
        keyframes=sorted(seen.keyframes),
        truncated=clip.damaged > 0 or seen.torn or _is_cut(clip, seen.count, shown[-1]),
    )


def _is_cut(clip: Clip, packets: int, last: int) -> bool:
    if packets < len(clip.stream.index_entries):
        return True
    if clip.stream.frames or clip.container.duration is None:
        # MP4: its index says it all, and its duration may be that of a longer sound
        return False
    # Matroska declares where the last picture ends, counted from 0 and not from the first picture
    end_s = float((last + clip.ticks_per_picture) * clip.time_base)
    return end_s < clip.container.duration / MICROSECONDS * PRESENT_SHARE
