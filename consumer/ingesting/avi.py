"""The header of an AVI: the list `hdrl`, which comes first. Layout: Microsoft's AVI RIFF File Reference."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from consumer.ingesting.codecs import codec_of_code
from consumer.ingesting.header import Header, Malformed

FIRST_LIST = 12
MOST_HEADER = 1024 * 1024
MOST_CHUNKS = 4096


def header_bytes(head: bytes) -> int:
    """How many bytes of the file reach to the end of its header. Raises Malformed where it has none in front."""
    if head[12:16] != b"LIST" or head[20:24] != b"hdrl":
        raise Malformed("no header list in front")
    size: int = struct.unpack("<I", head[16:20])[0]
    if size > MOST_HEADER:
        raise Malformed("a header that no clip needs")
    return FIRST_LIST + 8 + size


def read_header(data: bytes) -> Header:
    """`data` are the file's first `header_bytes`. Raises Malformed."""
    streams = [dict(_chunks(body[4:])) for kind, body in _chunks(data[FIRST_LIST + 12 :]) if _is_stream(kind, body)]
    pictures = next((one for one in streams if one.get(b"strh", b"")[:4] in (b"vids", b"iavs")), None)
    if pictures is None:
        return Header(container="avi", streams=len(streams), codec=None)
    strh, strf = pictures[b"strh"], pictures.get(b"strf", b"")
    if len(strh) < 36 or len(strf) < 20:
        raise Malformed("a picture stream that does not describe its pictures")
    width, height, code = struct.unpack("<ii4x4s", strf[4:20])
    scale, rate, length = struct.unpack("<II4xI", strh[20:36])
    return Header(
        container="avi",
        streams=len(streams),
        codec=codec_of_code(code),
        width=width,
        # stored from the top down when it is negative
        height=abs(height),
        rotation=0,
        duration_s=length * scale / rate if rate and length and scale else None,
        samples=length,
    )


def _is_stream(kind: bytes, body: bytes) -> bool:
    return kind == b"LIST" and body[:4] == b"strl"


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(kind, body) of the chunks; raises Malformed over MOST_CHUNKS."""
    at = 0
    for _ in range(MOST_CHUNKS):
        if at + 8 > len(data):
            return
        kind, size = struct.unpack("<4sI", data[at : at + 8])
        yield kind, data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise Malformed("more chunks than a clip has")
