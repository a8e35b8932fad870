"""What the child says on stderr: read so that it never blocks, kept to the last few lines, logged once at the end."""

import asyncio
from collections.abc import Callable

import structlog

KEPT_BYTES = 8192
KEPT_LINES = 20
LINE_CHARACTERS = 300
CHUNK_BYTES = 4096
# a decoder that has this much to say of one clip is not a decoder any more, and reading it is work for us
MAX_BYTES = 16 * 1024 * 1024


async def read_tail(stream: asyncio.StreamReader, too_much: Callable[[], None]) -> bytes:
    """The last KEPT_BYTES of a stream, at its end. `too_much` is called once, past MAX_BYTES."""
    tail, heard = bytearray(), 0
    while chunk := await stream.read(CHUNK_BYTES):
        if heard <= MAX_BYTES < heard + len(chunk):
            too_much()
        heard += len(chunk)
        tail += chunk
        del tail[:-KEPT_BYTES]
    return bytes(tail)


def log_tail(tail: bytes, *, status: int) -> None:
    """One warning with the last lines; nothing when the child was quiet or only chatted (the model runtime's INFO)."""
    lines = [line[:LINE_CHARACTERS] for line in tail.decode(errors="replace").splitlines()]
    told = [line for line in lines if line.strip() and not line.startswith("INFO: ")]
    if told:
        structlog.get_logger(__name__).warning("sandbox.stderr", lines=told[-KEPT_LINES:], status=status)
