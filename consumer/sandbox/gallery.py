"""The pictures that a child sends, written down by us: under names of our making, no larger and no more than a job's
reserve of scratch space."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from consumer.sandbox.protocol import MAX_PICTURES, MAX_PICTURES_BYTES
from consumer.scratch import NO_ROOM
from core.error_codes import ErrorCode
from core.failure import Failure
from core.result import Frame

JPEG_START, JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"


class Allowance:
    """What one job may still send: pictures, and bytes of them."""

    def __init__(self) -> None:
        self._pictures = MAX_PICTURES
        self._bytes = MAX_PICTURES_BYTES

    def take(self, size: int) -> None:
        """Raises Failure(DECODER_CRASHED) when it is used up."""
        self._pictures -= 1
        self._bytes -= size
        if self._pictures < 0 or self._bytes < 0:
            raise Failure(ErrorCode.DECODER_CRASHED, "more pictures than a job may keep")


class Gallery:
    """The pictures of one request, in `out`, which no child can touch; None: this request makes none."""

    def __init__(self, out: Path | None, allowance: Allowance) -> None:
        self._out = out
        self._allowance = allowance
        self._ids: set[str] = set()

    async def keep(self, frame_id: str, data: bytes) -> None:
        """Raises Failure: DECODER_CRASHED for what is no picture or came twice, SCRATCH_FULL."""
        if self._out is None or frame_id in self._ids:
            raise Failure(ErrorCode.DECODER_CRASHED, "a picture that nobody asked for")
        if not (data.startswith(JPEG_START) and data.endswith(JPEG_END)):
            raise Failure(ErrorCode.DECODER_CRASHED, "a picture that is no JPEG")
        self._allowance.take(len(data))
        self._ids.add(frame_id)
        try:
            await asyncio.to_thread(_write, self._out / f"{frame_id}.jpg", data)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise Failure(ErrorCode.SCRATCH_FULL, "the disk has no room for the pictures") from error
            raise

    def holds(self, frames: Iterable[Frame]) -> bool:
        """Whether these are the pictures that came, each once, with no address that we did not give."""
        listed = tuple(frames)
        ids = {frame.id for frame in listed}
        return ids == self._ids and len(listed) == len(ids) and all(frame.url is None for frame in listed)


def _write(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
