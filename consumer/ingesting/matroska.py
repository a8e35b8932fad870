"""The header of a Matroska or WebM file: Info and Tracks, which come before its pictures. Layout: RFC 8794 and 9559."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from consumer.ingesting.codecs import codec_of_matroska
from consumer.ingesting.header import Header, Malformed

HEAD = 12
"""The longest id and size of an element together."""
EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TRACK_ENTRY, TRACK_TYPE, CODEC_ID, CODEC_PRIVATE = 0xAE, 0x83, 0x86, 0x63A2
VIDEO, PIXEL_WIDTH, PIXEL_HEIGHT, PROJECTION, ROLL = 0xE0, 0xB0, 0xBA, 0x7670, 0x7675
TIMESTAMP_SCALE, DURATION = 0x2AD7B1, 0x4489
PICTURES = 1
MOST_ELEMENTS = 4096
MOST_BYTES = 256 * 1024
_NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Element:
    """`head`: how many bytes id and size take; `size` of its body, None: unknown, as live streams have it."""

    id: int
    head: int
    size: int | None


def element(data: bytes | memoryview) -> Element | None:
    """The element that begins here; None: none does."""
    kind, used = _number(data, 0, longest=4, keep_marker=True)
    if not used:
        return None
    size, more = _number(data, used, longest=8, keep_marker=False)
    if not more:
        return None
    unknown = size == (1 << 7 * more) - 1
    return Element(id=kind, head=used + more, size=None if unknown else size)


def read_tracks(body: bytes) -> Header:
    """`body` of the Tracks element. Raises Malformed."""
    tracks = [dict(_children(memoryview(entry))) for kind, entry in _children(memoryview(body)) if kind == TRACK_ENTRY]
    empty = Header(container="matroska", streams=len(tracks), codec=None)
    for track in tracks:
        if _whole(track.get(TRACK_TYPE, b"")) == PICTURES:
            return _pictures(track, empty)
    return empty


def read_duration(body: bytes) -> float | None:
    """Seconds that the Info element declares."""
    info = dict(_children(memoryview(body)))
    scale = _whole(info.get(TIMESTAMP_SCALE, b"")) or 1_000_000
    length = _real(info.get(DURATION, b""))
    return length * scale / _NANOSECONDS if length is not None and length > 0 else None


def _pictures(track: dict[int, bytes], header: Header) -> Header:
    video = dict(_children(memoryview(track.get(VIDEO, b""))))
    roll = _real(dict(_children(memoryview(video.get(PROJECTION, b"")))).get(ROLL, b"")) or 0.0
    # the roll is counter-clockwise, -180..180
    rotation = round(-roll) % 360 if roll % 90 == 0 else 0
    width, height = _whole(video.get(PIXEL_WIDTH, b"")), _whole(video.get(PIXEL_HEIGHT, b""))
    if rotation in (90, 270):
        width, height = height, width
    codec = codec_of_matroska(track.get(CODEC_ID, b""), track.get(CODEC_PRIVATE, b"")[:40])
    return replace(header, codec=codec, width=width, height=height, rotation=rotation)


def _children(view: memoryview) -> Iterator[tuple[int, bytes]]:
    """(id, body) of the elements in here. Raises Malformed over MOST_ELEMENTS; what is malformed else ends them."""
    at = 0
    for _ in range(MOST_ELEMENTS):
        found = element(view[at : at + HEAD])
        if found is None:
            return
        start = at + found.head
        end = len(view) if found.size is None else min(start + found.size, len(view))
        yield found.id, bytes(view[start:end])
        at = end
    raise Malformed("more elements than a clip has")


def _number(data: bytes | memoryview, at: int, *, longest: int, keep_marker: bool) -> tuple[int, int]:
    """(value, bytes used) of a number of variable length; no byte used: there is none."""
    if at >= len(data) or data[at] == 0:
        return 0, 0
    length = 9 - data[at].bit_length()
    if length > longest or at + length > len(data):
        return 0, 0
    value = int.from_bytes(data[at : at + length], "big")
    return (value if keep_marker else value & ((1 << 7 * length) - 1)), length


def _whole(data: bytes) -> int:
    return int.from_bytes(data, "big") if len(data) <= 8 else 0


def _real(data: bytes) -> float | None:
    if len(data) not in (4, 8):
        return None
    value: float = struct.unpack(">f" if len(data) == 4 else ">d", data)[0]
    return value if math.isfinite(value) else None
