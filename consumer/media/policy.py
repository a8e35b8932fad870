"""What a video file may be before anything decodes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:  # the decoding child reads no settings, and does not pay for their library
    from core.settings import Settings

MIB = 1024 * 1024
RATE_SLACK = 1.05
"""A camera's clock is not exact: 240 pictures a second may be a few more."""


@dataclass(frozen=True, kw_only=True)
class MediaPolicy:
    """Limits of an upload. Sizes in bytes, durations in seconds, pixels are width x height of one picture."""

    max_bytes: int = 120 * MIB
    min_bytes: int = 1024
    max_duration_s: float = 600
    max_pixels: int = 35_000_000
    max_fps: float = 240
    max_streams: int = 16
    # table entries of all streams; ten minutes at 240 pictures and 47 sound packets a second have 172,000
    max_samples: int = 1_000_000
    containers: frozenset[str] = frozenset({"mp4", "matroska", "avi"})
    codecs: frozenset[str] = frozenset(
        {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores"},
    )

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The policy of this installation."""
        return cls(
            max_bytes=settings.max_upload_bytes,
            min_bytes=settings.min_upload_bytes,
            max_duration_s=settings.max_clip_s,
            max_pixels=settings.max_clip_pixels,
            max_fps=settings.max_clip_fps,
            max_streams=settings.max_clip_streams,
            containers=frozenset(settings.clip_containers),
            codecs=frozenset(settings.clip_codecs),
        )

    @property
    def max_measured_fps(self) -> float:
        """The most that pictures which are counted may come to."""
        return self.max_fps * RATE_SLACK

    @property
    def max_pictures(self) -> int:
        """The most pictures that a clip inside these limits can hold."""
        return int(self.max_duration_s * self.max_fps)


POLICY = MediaPolicy()
