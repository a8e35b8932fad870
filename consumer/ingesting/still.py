"""A small clip that holds only the beginning of a large one, for a picture of it.

Of an MP4 a new file is written round its first picture, so that its index of all the others, and its place at the end
of the file, cost nothing. Of other containers the beginning of the file is a clip already.
"""

from __future__ import annotations

import struct

from consumer.ingesting.header import Header, Span, Tables
from consumer.ingesting.ranges import Ranges

MOST_PICTURE = 768 * 1024
BEGINNING = 768 * 1024
TICKS = 1000
_LEAST = 1024
_SQUARE = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


async def small_clip(ranges: Ranges, header: Header) -> bytes | None:
    """None where the picture is too large, or not where the header says."""
    if header.still is None or header.tables is None:
        return await ranges.at(0, BEGINNING)
    span = header.still
    if span.size > MOST_PICTURE or span.start + span.size > ranges.size:
        return None
    return one_picture(await _picture(ranges, span), header.tables)


async def _picture(ranges: Ranges, span: Span) -> bytes:
    return await ranges.at(span.start, span.size)


def one_picture(picture: bytes, tables: Tables) -> bytes:
    """An MP4 of this one picture, lasting a second."""
    kind = _box(b"ftyp", b"isom", bytes(4), b"isommp42")
    # a file has its least size, and FFmpeg skips this box
    padding = _box(b"free", bytes(_LEAST))
    start = len(kind) + len(padding) + 8
    return kind + padding + _box(b"mdat", picture) + _moov(tables, size=len(picture), start=start)


def _moov(tables: Tables, *, size: int, start: int) -> bytes:
    mvhd = _full(b"mvhd", struct.pack(">4I2i", 0, 0, TICKS, TICKS, 0x10000, 0x1000000), bytes(8), _SQUARE, bytes(28))
    return _box(b"moov", mvhd, _box(b"trak", _box(b"tkhd", tables.tkhd), _media(tables, size=size, start=start)))


def _media(tables: Tables, *, size: int, start: int) -> bytes:
    mdhd = _full(b"mdhd", struct.pack(">4IHH", 0, 0, TICKS, TICKS, 0x55C4, 0))
    handler = _full(b"hdlr", bytes(4), b"vide", bytes(13))
    here = _full(b"url ", flags=1)
    where = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), here))
    table = _box(
        b"stbl",
        _box(b"stsd", tables.stsd),
        _full(b"stts", struct.pack(">3I", 1, 1, TICKS)),
        _full(b"stsc", struct.pack(">4I", 1, 1, 1, 1)),
        _full(b"stsz", struct.pack(">3I", 0, 1, size)),
        _full(b"stco", struct.pack(">2I", 1, start)),
    )
    return _box(b"mdia", mdhd, handler, _box(b"minf", _full(b"vmhd", bytes(8), flags=1), where, table))


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _full(kind: bytes, *parts: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *parts)
