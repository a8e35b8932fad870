"""What a video file is: read from its header and its packets, and held against the policy, before it is decoded."""

from __future__ import annotations

from pathlib import Path

from consumer.media.bounds import refused_for_length
from consumer.media.boxes import Overgrown, declared_samples
from consumer.media.clip import Clip, declared_size, open_clip
from consumer.media.facts import Probe
from consumer.media.policy import POLICY, MediaPolicy
from consumer.media.sniff import SNIFF_BYTES, sniff
from consumer.media.timeline import MICROSECONDS, Timeline, read_timeline
from core.error_codes import ErrorCode
from core.failure import Failure

# Pixels this little out of square are a rounding of somebody's encoder, not a wish.
SQUARE_PIXELS = 0.02
# of a few pictures the distances say nothing of a rate
FEWEST_FOR_A_RATE = 24

__all__ = ["Probe", "probe"]


def probe(path: Path, policy: MediaPolicy = POLICY) -> Probe:
    """Reads the file's facts. The policy is held before the one picture that tells the rotation is decoded.

    Raises Failure: FILE_TOO_SMALL, FILE_TOO_LARGE, UNSUPPORTED_CONTAINER, UNSUPPORTED_CODEC, VIDEO_TOO_LONG,
    VIDEO_TOO_LARGE_PIXELS, FRAME_RATE_TOO_HIGH, INVALID_METADATA, METADATA_EXTRACTION_FAILED, NO_VALID_FRAMES.
    """
    size = _checked_size(path, policy)
    container = _checked_container(path, policy)
    if container == "mp4":
        _check_tables(path, size, policy)
    with open_clip(path, policy) as clip:
        codec = _checked_header(clip, path, policy)
        timeline = read_timeline(clip, policy)
        duration = _duration(clip, timeline)
        refusal = refused_for_length(policy, duration_s=duration, fps=_counted_rate(timeline))
        if refusal is not None:
            raise refusal
        fps = _fps(clip, timeline, policy)
    with open_clip(path, policy) as clip:
        rotation, width, height = _first_picture(clip, policy)
    return Probe(
        container=container,
        codec=codec,
        width=width,
        height=height,
        rotation=rotation,
        duration_s=duration,
        fps=fps,
        bytes=size,
        pictures=len(timeline.pts) if timeline else None,
        truncated=timeline.truncated if timeline else False,
    )


def _checked_size(path: Path, policy: MediaPolicy) -> int:
    size = path.stat().st_size
    if size < policy.min_bytes:
        raise Failure(ErrorCode.FILE_TOO_SMALL, f"{size} bytes")
    if size > policy.max_bytes:
        raise Failure(ErrorCode.FILE_TOO_LARGE, f"{size} bytes")
    return size


def _checked_container(path: Path, policy: MediaPolicy) -> str:
    with path.open("rb") as file:
        family = sniff(file.read(SNIFF_BYTES))
    if family is None or family not in policy.containers:
        raise Failure(ErrorCode.UNSUPPORTED_CONTAINER, "the first bytes are of no accepted container")
    return family


def _check_tables(path: Path, size: int, policy: MediaPolicy) -> None:
    with path.open("rb") as file:
        try:
            samples = declared_samples(file, size)
        except Overgrown as error:
            raise Failure(ErrorCode.INVALID_METADATA, "a header that no clip needs") from error
    if samples > policy.max_samples:
        raise Failure(ErrorCode.INVALID_METADATA, f"{samples} samples declared")


def _checked_header(clip: Clip, path: Path, policy: MediaPolicy) -> str:
    """The codec's name, after the bounds that the header alone tells."""
    streams = len(clip.container.streams)
    if streams > policy.max_streams:
        raise Failure(ErrorCode.INVALID_METADATA, f"{streams} streams")
    decoder = clip.stream.codec_context
    if clip.codec not in policy.codecs:
        raise Failure(ErrorCode.UNSUPPORTED_CODEC, clip.codec)
    if decoder.width <= 0 or decoder.height <= 0:
        _check_pixels(*declared_size(path), policy)
        raise Failure(ErrorCode.INVALID_METADATA, "no picture size")
    _check_pixels(decoder.width, decoder.height, policy)
    return clip.codec


def _check_pixels(width: int, height: int, policy: MediaPolicy) -> None:
    if width * height > policy.max_pixels:
        raise Failure(ErrorCode.VIDEO_TOO_LARGE_PIXELS, f"{width}x{height}")


def _duration(clip: Clip, timeline: Timeline | None) -> float | None:
    """Seconds: the pictures that are there, or else what the header declares if that can be true."""
    if timeline is not None:
        return round(timeline.span_s + float(clip.ticks_per_picture * clip.time_base), 6)
    declared = clip.container.duration
    return declared / MICROSECONDS if declared is not None and declared > 0 else None


def _counted_rate(timeline: Timeline | None) -> float | None:
    return None if timeline is None or len(timeline.pts) < FEWEST_FOR_A_RATE else timeline.rate


def _fps(clip: Clip, timeline: Timeline | None, policy: MediaPolicy) -> float | None:
    rate = None if timeline is None else timeline.rate
    if rate is None:
        rate = float(clip.stream.average_rate or 0)
    return round(rate, 3) if 0 < rate <= policy.max_measured_fps else None


def _first_picture(clip: Clip, policy: MediaPolicy) -> tuple[int, int, int]:
    """(rotation, width, height) as displayed. PyAV tells the container's display matrix on decoded frames only."""
    frame = next(clip.pictures(), None)
    if frame is None:
        raise Failure(ErrorCode.NO_VALID_FRAMES, "the file opened, and no picture of it decodes")
    _check_pixels(frame.width, frame.height, policy)
    # frame.rotation is counter-clockwise, -180..180; a matrix that is no right angle turns nothing
    rotation = -frame.rotation % 360 if frame.rotation % 90 == 0 else 0
    width, height = _square(frame.width, clip), frame.height
    return (rotation, height, width) if rotation in (90, 270) else (rotation, width, height)


def _square(width: int, clip: Clip) -> int:
    """The width when each pixel is shown as a square (old camcorders store 1440 for 1920)."""
    aspect = float(clip.stream.sample_aspect_ratio or 1)
    wanted = 0.5 <= aspect <= 2 and abs(aspect - 1) > SQUARE_PIXELS
    return round(width * aspect) if wanted else width
