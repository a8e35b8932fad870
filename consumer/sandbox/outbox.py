"""Replies as the child sends them. The pictures that it keeps go the same way: it has no file to write them to."""

from collections.abc import Callable
from pathlib import PurePath
from typing import BinaryIO

from consumer.sandbox.protocol import AnyReply, Picture

Send = Callable[[AnyReply], None]


class Outbox:
    """The pipe to the parent. As a folder (consumer.media.album) it takes pictures: `outbox / "f00.jpg"`."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def send(self, reply: AnyReply, body: bytes = b"") -> None:
        self._pipe.write(reply.model_dump_json().encode() + b"\n" + body)
        self._pipe.flush()

    def __truediv__(self, name: str, /) -> "Parcel":
        return Parcel(self, PurePath(name).stem)


class Parcel:
    """One picture to be sent."""

    def __init__(self, outbox: Outbox, frame_id: str) -> None:
        self._outbox = outbox
        self._id = frame_id

    def write_bytes(self, data: bytes, /) -> int:
        self._outbox.send(Picture(id=self._id, bytes=len(data)), data)
        return len(data)
