"""The policy's bounds on what a clip is, whoever found it out: ingest by its header, a child by its packets.

What is not known (None) breaks no bound.
"""

from __future__ import annotations

from consumer.media.policy import MediaPolicy
from core.error_codes import ErrorCode
from core.failure import Failure


def refused_for_picture(policy: MediaPolicy, *, codec: str, width: int | None, height: int | None) -> Failure | None:
    if codec not in policy.codecs:
        return Failure(ErrorCode.UNSUPPORTED_CODEC, codec)
    if width is None or height is None:
        return None
    if width <= 0 or height <= 0:
        return Failure(ErrorCode.INVALID_METADATA, "no picture size")
    if width * height > policy.max_pixels:
        return Failure(ErrorCode.VIDEO_TOO_LARGE_PIXELS, f"{width}x{height}, at most {policy.max_pixels} pixels")
    return None


def refused_for_length(policy: MediaPolicy, *, duration_s: float | None, fps: float | None) -> Failure | None:
    """`fps` as counted: what is only declared is not believed."""
    if duration_s is not None and duration_s > policy.max_duration_s:
        return Failure(ErrorCode.VIDEO_TOO_LONG, f"{duration_s:.1f} s, at most {policy.max_duration_s:g}")
    if fps is not None and fps > policy.max_measured_fps:
        return Failure(ErrorCode.FRAME_RATE_TOO_HIGH, f"{fps:.1f} a second, at most {policy.max_fps:g}")
    return None
