"""The header of an MP4, MOV or 3GP: its `moov` box. Layout: ISO/IEC 14496-12, and Apple's QuickTime File Format."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from consumer.ingesting.codecs import codec_of_code
from consumer.ingesting.header import Header, Malformed, Span, Tables
from consumer.media.boxes import Overgrown, declared_samples

MOST_MOOV = 8 * 1024 * 1024
MOST_TOP_BOXES = 32
HEAD = 16
# the levels that declared_samples has counted before: neither their number nor their depth is unbounded here
NESTED = frozenset({b"mdia", b"minf", b"stbl"})
MOST_NESTED = 4
STILLS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"})
MOST_STSD = 64 * 1024
_TURNS = {(1, 0, 0, 1): 0, (0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}

Boxes = Mapping[bytes, memoryview]


@dataclass(frozen=True, kw_only=True)
class TopBox:
    """A box of the file itself; `size` with its head, None: to the end of the file."""

    kind: bytes
    head: int
    size: int | None


def top_box(head: bytes) -> TopBox | None:
    """The box that begins with these HEAD bytes (or fewer, at the file's end); None: no box does."""
    if len(head) < 8:
        return None
    size, kind = struct.unpack(">I4s", head[:8])
    if size == 1 and len(head) >= 16:
        size = struct.unpack(">Q", head[8:16])[0]
        return TopBox(kind=kind, head=16, size=size) if size >= 16 else None
    if size == 0:
        return TopBox(kind=kind, head=8, size=None)
    return TopBox(kind=kind, head=8, size=size) if size >= 8 else None


def is_still(head: bytes) -> bool:
    """Whether the file says that it is a photo: HEIF and AVIF are ISO files as well."""
    return head[4:8] == b"ftyp" and head[8:12] in STILLS


def read_moov(body: bytes) -> Header:
    """`body` is the moov box without its head. Raises Malformed."""
    view = memoryview(body)
    try:
        samples = declared_samples(io.BytesIO(body), len(body))
    except Overgrown:
        raise Malformed("a header that no clip needs") from None
    tracks = [_flat(inner) for kind, inner in _boxes(view) if kind == b"trak"]
    pictures = next((track for track in tracks if _handler(track) == b"vide"), None)
    if pictures is None:
        return Header(container="mp4", streams=len(tracks), codec=None, samples=samples)
    return _header(pictures, _flat(view), streams=len(tracks), samples=samples)


def _header(track: Boxes, movie: Boxes, *, streams: int, samples: int) -> Header:
    stsd, tkhd = track.get(b"stsd", memoryview(b"")), track.get(b"tkhd", memoryview(b""))
    if len(stsd) < 44:
        raise Malformed("a picture track that does not describe its pictures")
    width, height = struct.unpack(">HH", stsd[40:44])
    rotation = _rotation(tkhd)
    if rotation in (90, 270):
        width, height = height, width
    count, seconds = _count(track), _media_seconds(track)
    still = _first_picture(track, count)
    return Header(
        container="mp4",
        streams=streams,
        codec=codec_of_code(bytes(stsd[12:16])),
        width=width,
        height=height,
        rotation=rotation,
        duration_s=_duration(track, movie, seconds),
        fps=count / seconds if count > 1 and seconds else None,
        samples=samples,
        still=still,
        tables=Tables(tkhd=bytes(tkhd), stsd=bytes(stsd)) if still and len(stsd) <= MOST_STSD else None,
    )


def _boxes(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """(kind, body) of the boxes in `view`; what is malformed ends them."""
    at = 0
    while box := top_box(bytes(view[at : at + HEAD])):
        end = len(view) if box.size is None else min(at + box.size, len(view))
        yield box.kind, view[at + box.head : end]
        at = end


def _flat(view: memoryview, depth: int = 0) -> dict[bytes, memoryview]:
    """The first box of each kind in here and in what only groups others."""
    found: dict[bytes, memoryview] = {}
    for kind, body in _boxes(view):
        if kind in NESTED and depth < MOST_NESTED:
            for inner, value in _flat(body, depth + 1).items():
                found.setdefault(inner, value)
        else:
            found.setdefault(kind, body)
    return found


def _numbers(box: memoryview | None, at: int, count: int = 1, code: str = "I") -> tuple[int, ...]:
    """Big-endian numbers from byte `at` of a box; zeros where it is too short or missing."""
    wanted = struct.Struct(f">{count}{code}")
    data = b"" if box is None else bytes(box[at : at + wanted.size])
    return wanted.unpack(data.ljust(wanted.size, b"\0"))


def _handler(track: Boxes) -> bytes:
    return bytes(track.get(b"hdlr", memoryview(b""))[8:12])


def _is_long(box: memoryview | None) -> bool:
    """Version 1 of a box has times of 64 bits."""
    return bool(box) and box is not None and box[0] == 1


def _clock(box: memoryview | None) -> tuple[int, int]:
    """(ticks a second, ticks) of mvhd or mdhd."""
    if _is_long(box):
        return _numbers(box, 20)[0], _numbers(box, 24, code="Q")[0]
    return _numbers(box, 12)[0], _numbers(box, 16)[0]


def _rotation(tkhd: memoryview) -> int | None:
    a, b, _, c, d = _numbers(tkhd, 52 if _is_long(tkhd) else 40, 5, "i")
    return _TURNS.get((_sign(a), _sign(b), _sign(c), _sign(d)))


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _count(track: Boxes) -> int:
    """Pictures, by the track's own table; 0 in a fragmented file."""
    return _numbers(track.get(b"stsz") or track.get(b"stz2"), 8)[0]


def _media_seconds(track: Boxes) -> float:
    rate, _ = _clock(track.get(b"mdhd"))
    table = track.get(b"stts", memoryview(b""))[8:]
    table = table[: len(table) // 8 * 8]
    ticks = sum(count * delta for count, delta in struct.iter_unpack(">II", table))
    return ticks / rate if rate else 0.0


def _duration(track: Boxes, movie: Boxes, media_s: float) -> float | None:
    """The shortest that anything says: what is told too short here is measured by the worker."""
    rate, ticks = _clock(movie.get(b"mvhd"))
    told = [media_s, _edited_ticks(track) / rate if rate else 0.0]
    if not any(told):
        told = [ticks / rate if rate else 0.0]
    return min((seconds for seconds in told if seconds > 0), default=None)


def _edited_ticks(track: Boxes) -> int:
    """The length of what an edit list shows, in the movie's ticks; 0 without one."""
    kind, box = next(_boxes(track.get(b"edts", memoryview(b""))), (b"", memoryview(b"")))
    if kind != b"elst":
        return 0
    entry = struct.Struct(">Qq4x" if _is_long(box) else ">Ii4x")
    table = box[8:]
    table = table[: len(table) // entry.size * entry.size]
    return sum(length for length, start in entry.iter_unpack(table) if start >= 0)


def _first_picture(track: Boxes, count: int) -> Span | None:
    """Where the first picture lies, if it is one that decoding may begin with."""
    if not count or (track.get(b"stss") is not None and _numbers(track[b"stss"], 8)[0] != 1):
        return None
    if track.get(b"stsz") is None or (track.get(b"co64") or track.get(b"stco")) is None:
        return None
    size = _numbers(track[b"stsz"], 4)[0] or _numbers(track[b"stsz"], 12)[0]
    start = _numbers(track[b"co64"], 8, code="Q")[0] if b"co64" in track else _numbers(track[b"stco"], 8)[0]
    return Span(start=start, size=size) if start and size else None
