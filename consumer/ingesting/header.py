"""What a clip's header says, and what no header may say. Headers are read here as bytes: no decoder library opens them.

A pure reader needs under a millisecond and cannot be made to do more than it says. The same facts from FFmpeg cost
a child's start (0.2 s and more), and on opening a file it already runs decoders over what it finds.
"""

from __future__ import annotations

from dataclasses import dataclass

from consumer.media.bounds import refused_for_length, refused_for_picture
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
    if header.streams > policy.max_streams:
        return Failure(ErrorCode.TOO_MANY_STREAMS, f"{header.streams} streams, at most {policy.max_streams}")
    if header.codec is None:
        return Failure(ErrorCode.NO_VALID_FRAMES, "the file has no picture stream")
    refusal = refused_for_picture(policy, codec=header.codec, width=header.width, height=header.height)
    if refusal is not None:
        return refusal
    if header.samples > policy.max_samples:
        return Failure(ErrorCode.INVALID_METADATA, f"{header.samples} samples declared")
    return refused_for_length(policy, duration_s=header.duration_s, fps=header.fps)
