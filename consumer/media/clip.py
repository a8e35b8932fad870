"""One clip opened for reading: what FFmpeg may touch, the picture stream, and its pictures on their own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from consumer.media.policy import POLICY, MediaPolicy
from core.error_codes import ErrorCode
from core.failure import Failure

# FFmpeg's own names of the demuxers: `mov` covers mp4, m4a and 3gp, `matroska` covers webm.
FORMATS = "mov,matroska,avi"
# FFmpeg gives up at 1,000 streams; an entry too few leaves a stream without its limit, one too many is ignored.
FFMPEG_MAX_STREAMS = 1000
DECODER_THREADS = 2
FALLBACK_RATE = Fraction(30)
NO_MORE: Mapping[str, str] = MappingProxyType({})

Skip: TypeAlias = "Callable[[Packet[VideoStream]], bool]"


@dataclass(kw_only=True)
class Clip:
    """An open file. `damaged` counts packets that were there and did not decode, or could not be read at all."""

    container: InputContainer
    stream: VideoStream
    damaged: int = 0

    @property
    def time_base(self) -> Fraction:
        return self.stream.time_base or Fraction(1, 90_000)

    @property
    def codec(self) -> str:
        """The codec's name, not its decoder's: av1, where the decoder is libdav1d."""
        return self.stream.codec_context.codec.canonical_name

    @property
    def is_constant_rate(self) -> bool:
        """AVI stores no times: pictures follow each other at the header's rate, whatever a packet seems to say."""
        return self.container.format.name == "avi"

    @property
    def ticks_per_picture(self) -> int:
        """The usual distance of two pictures, in ticks of `time_base`; at least one."""
        rate = self.stream.average_rate or FALLBACK_RATE
        return max(1, round(1 / (rate * self.time_base))) if rate > 0 else 1

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """The packets that hold pictures, in file order; ends early where the file is cut."""
        try:
            # the demuxer's last packet is empty
            yield from (packet for packet in self.container.demux(self.stream) if packet.size)
        except FFmpegError:
            self.damaged += 1

    def seek(self, ticks: int) -> None:
        """Puts the file at the keyframe at or before `ticks`. Raises Failure FRAME_EXTRACTION_FAILED."""
        try:
            self.container.seek(ticks, stream=self.stream)
        except FFmpegError as error:
            raise Failure(ErrorCode.FRAME_EXTRACTION_FAILED, f"seek: {type(error).__name__}") from error

    def pictures(self, skip: Skip | None = None) -> Iterator[VideoFrame]:
        """The pictures in the order they are shown, each with a pts (a missing one is counted on from the last).

        Where `skip` says so of a packet, the decoder may drop its picture if no other picture needs it.
        A packet that does not decode is counted in `damaged` and passed over.
        """
        last: int | None = None
        for frame in self._frames(skip):
            if frame.pts is None:
                frame.pts = 0 if last is None else last + self.ticks_per_picture
            last = frame.pts
            yield frame

    def _frames(self, skip: Skip | None) -> Iterator[VideoFrame]:
        decoder = self.stream.codec_context
        for packet in self.packets():
            if skip is not None:
                decoder.skip_frame = "NONREF" if skip(packet) else "DEFAULT"
            yield from self._decoded(packet)
        yield from self._decoded(None)

    def _decoded(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self.stream.codec_context.decode(packet)
        except FFmpegError:
            self.damaged += 1
            return []


@contextmanager
def open_clip(path: Path, policy: MediaPolicy = POLICY) -> Iterator[Clip]:
    """Opens the file's header and its picture stream; no decoder runs yet.

    Raises Failure: METADATA_EXTRACTION_FAILED, INVALID_METADATA, NO_VALID_FRAMES (no picture stream),
    UNSUPPORTED_CODEC (no decoder for it).
    """
    with _open_container(path, policy) as container:
        stream = _picture_stream(container)
        _discard_others(container, stream)
        decoder = stream.codec_context
        decoder.options = {"max_pixels": str(policy.max_pixels)}
        decoder.thread_count = DECODER_THREADS
        decoder.thread_type = "AUTO"
        yield Clip(container=container, stream=stream)


def declared_size(path: Path) -> tuple[int, int]:
    """(width, height) as the container has it, with no decoder asked; zeros when it says none.

    FFmpeg forgets it where a decoder refuses a picture for its size. Raises Failure as `open_clip` does.
    """
    with _open_container(path, POLICY, {"codec_whitelist": "none"}) as container:
        decoder = _picture_stream(container).codec_context
        return decoder.width, decoder.height


def _open_container(path: Path, policy: MediaPolicy, more: Mapping[str, str] = NO_MORE) -> InputContainer:
    limits: Any = [{"max_pixels": str(policy.max_pixels)}] * FFMPEG_MAX_STREAMS
    try:
        return av.open(
            # an absolute path behind an explicit protocol: no part of a name can be read as another protocol
            f"file:{path.absolute()}",
            options={"format_whitelist": FORMATS, "protocol_whitelist": "file", **more},
            stream_options=limits,
        )
    except MemoryError as error:
        raise Failure(ErrorCode.INVALID_METADATA, "the header asks for more memory than a clip needs") from error
    except (FFmpegError, ValueError) as error:
        # a ValueError is PyAV's own: a file without any stream, a text that is no text
        raise Failure(ErrorCode.METADATA_EXTRACTION_FAILED, type(error).__name__) from error


def _picture_stream(container: InputContainer) -> VideoStream:
    # a cover picture is a video stream to FFmpeg, and not to anybody else
    moving = [s for s in container.streams.video if not s.disposition & _attached_picture()]
    if not moving:
        raise Failure(ErrorCode.NO_VALID_FRAMES, "the file has no picture stream")
    if moving[0].codec_context is None:
        raise Failure(ErrorCode.UNSUPPORTED_CODEC, "no decoder knows this codec")
    return moving[0]


def _attached_picture() -> int:
    return int(av.stream.Disposition.attached_pic)


def _discard_others(container: InputContainer, kept: VideoStream) -> None:
    for stream in container.streams:
        if stream.index != kept.index:
            stream.discard = av.stream.Discard.all
