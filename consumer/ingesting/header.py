"""What a clip's header says, and what no header may say. Headers are read here as bytes: no decoder library opens them.

A pure reader needs under a millisecond and cannot be made to do more than it says. The same facts from FFmpeg cost
a child's start (0.2 s and more), and on opening a file it already runs decoders over what it finds.
"""

from __future__ import annotations

from dataclasses import dataclass

from consumer.media.policy import MediaPolicy
from consumer.media.sniff import Family
from core.error_codes import ErrorCode
from core.failure import Failure


@dataclass(frozen=True, kw_only=True)
class Span:
    """Bytes of the object."""

    start: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Header:
    """`codec` of the first picture stream, by our names, or its own code where we have none; None: no picture stream.
    Width and height in pixels as displayed, `rotation` in degrees clockwise. What the header does not tell is None:
    the worker finds out. `fps` is None where it is only declared. `still`: where the first picture lies, if that is
    told; `tables`: what is needed beside it to show it by itself."""

    container: Family
    streams: int
    codec: str | None
    width: int | None = None
    height: int | None = None
    rotation: int | None = None
    duration_s: float | None = None
    fps: float | None = None
    samples: int = 0
    still: Span | None = None
    tables: Tables | None = None


@dataclass(frozen=True, kw_only=True)
class Tables:
    """Of an MP4's picture track: the bodies of its tkhd and stsd boxes."""

    tkhd: bytes
    stsd: bytes


class Malformed(Exception):
    """The header breaks the rules of its own format; the text says where."""


def refused_for_header(header: Header, policy: MediaPolicy) -> Failure | None:
    """The first rule that is broken, by what the header tells."""
    width, height = header.width, header.height
    if header.streams > policy.max_streams:
        return Failure(ErrorCode.TOO_MANY_STREAMS, f"{header.streams} streams, at most {policy.max_streams}")
    if header.codec is None:
        return Failure(ErrorCode.NO_VALID_FRAMES, "the file has no picture stream")
    if header.codec not in policy.codecs:
        return Failure(ErrorCode.UNSUPPORTED_CODEC, header.codec)
    if width is not None and height is not None:
        if width <= 0 or height <= 0:
            return Failure(ErrorCode.INVALID_METADATA, "no picture size")
        if width * height > policy.max_pixels:
            return Failure(ErrorCode.VIDEO_TOO_LARGE_PIXELS, f"{width}x{height}, at most {policy.max_pixels} pixels")
    return _refused_for_length(header, policy)


def _refused_for_length(header: Header, policy: MediaPolicy) -> Failure | None:
    if header.samples > policy.max_samples:
        return Failure(ErrorCode.INVALID_METADATA, f"{header.samples} samples declared")
    if header.duration_s is not None and header.duration_s > policy.max_duration_s:
        return Failure(ErrorCode.VIDEO_TOO_LONG, f"{header.duration_s:.1f} s, at most {policy.max_duration_s:g}")
    if header.fps is not None and header.fps > policy.max_measured_fps:
        return Failure(ErrorCode.FRAME_RATE_TOO_HIGH, f"{header.fps:.1f} a second, at most {policy.max_fps:g}")
    return None
