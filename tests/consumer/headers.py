"""Headers of clips, byte by byte: what a test wants them to say, true or not."""

import struct
from dataclasses import dataclass

TURN = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
RATE = 1000


@dataclass(frozen=True, kw_only=True)
class Says:
    """What a header says of its picture track: size as stored, `each` the ticks (thousandths) of a picture, `shown`
    the ticks that an edit list leaves of it. `code` None: there is no picture track. `others`: streams beside it.
    `bytes_each`: of a stored picture."""

    code: bytes | None = b"avc1"
    size: tuple[int, int] = (640, 360)
    rotation: int = 0
    pictures: int = 300
    each: int = 33
    shown: int | None = None
    others: int = 1
    bytes_each: int = 100


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *parts: bytes) -> bytes:
    return box(kind, bytes(4), *parts)


def moov(says: Says = Says(), *, at: int = 24, more: bytes = b"") -> bytes:
    """The moov box; its pictures begin at byte `at` of the file. `more` boxes come last in it."""
    ticks = says.pictures * says.each
    mvhd = full(b"mvhd", struct.pack(">4I", 0, 0, RATE, ticks), bytes(80))
    sound = box(b"trak", box(b"mdia", full(b"hdlr", bytes(4), b"soun", bytes(13))))
    pictures = b"" if says.code is None else _track(says, ticks, at)
    return box(b"moov", mvhd, pictures, sound * says.others, more)


def _track(says: Says, ticks: int, at: int) -> bytes:
    a, b, c, d = (number * 0x10000 for number in TURN[says.rotation])
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    tkhd = full(b"tkhd", struct.pack(">5I", 0, 0, 1, 0, ticks), bytes(16), matrix, bytes(8))
    edits = b"" if says.shown is None else box(b"edts", full(b"elst", struct.pack(">IIiI", 1, says.shown, 0, 0x10000)))
    entry = box(says.code or b"", bytes(24), struct.pack(">HH", *says.size), bytes(50))
    table = box(
        b"stbl",
        full(b"stsd", struct.pack(">I", 1), entry),
        full(b"stts", struct.pack(">3I", 1, says.pictures, says.each)),
        full(b"stsc", struct.pack(">4I", 1, 1, 1, 1)),
        full(b"stsz", struct.pack(">2I", says.bytes_each, says.pictures)),
        full(b"stco", struct.pack(">2I", 1, at)),
    )
    mdhd = full(b"mdhd", struct.pack(">4I", 0, 0, RATE, ticks), bytes(4))
    handler = full(b"hdlr", bytes(4), b"vide", bytes(13))
    return box(b"trak", tkhd, edits, box(b"mdia", mdhd, handler, box(b"minf", table)))


FTYP = box(b"ftyp", b"isom", bytes(4), b"mp42")


def an_mp4(pictures: bytes = bytes(4000), says: Says = Says(), *, last: bool = True) -> bytes:
    """ftyp, pictures, and the header behind them or (`last` false) in front."""
    data = box(b"mdat", pictures)
    if last:
        return FTYP + data + moov(says, at=len(FTYP) + 8)
    front = len(FTYP) + len(moov(says))
    return FTYP + moov(says, at=front + 8) + data


def element(kind: int, *parts: bytes) -> bytes:
    """Of Matroska; its size always takes eight bytes."""
    body = b"".join(parts)
    name = kind.to_bytes((kind.bit_length() + 7) // 8, "big")
    return name + (1 << 56 | len(body)).to_bytes(8, "big") + body


def a_webm(
    *, codec: bytes = b"V_VP9", size: tuple[int, int] = (640, 360), ticks: float | None = 10_000.0, tracks: int = 1
) -> bytes:
    """With a cluster of nothing behind its header; `ticks` are its declared milliseconds."""
    video = element(0xE0, *(element(kind, struct.pack(">H", n)) for kind, n in zip((0xB0, 0xBA), size, strict=True)))
    entry = element(0xAE, element(0x83, b"\1"), element(0x86, codec), video)
    length = b"" if ticks is None else element(0x4489, struct.pack(">d", ticks))
    info = element(0x1549A966, element(0x2AD7B1, (1_000_000).to_bytes(3, "big")), length)
    segment = element(0x18538067, element(0xEC, bytes(50)), info, element(0x1654AE6B, entry * tracks))
    return element(0x1A45DFA3, element(0x4282, b"webm")) + segment + element(0x1F43B675, bytes(2000))


def an_avi(
    *, code: bytes = b"MJPG", size: tuple[int, int] = (640, 360), pictures: int = 300, rate: int = 30, streams: int = 1
) -> bytes:
    def chunk(kind: bytes, *parts: bytes) -> bytes:
        body = b"".join(parts)
        return kind + struct.pack("<I", len(body)) + body

    strh = chunk(b"strh", b"vids", code, bytes(12), struct.pack("<IIII", 1, rate, 0, pictures), bytes(24))
    strf = chunk(b"strf", struct.pack("<Iii4s4s", 40, *size, bytes(4), code), bytes(20))
    stream = chunk(b"LIST", b"strl", strh, strf)
    header = chunk(b"LIST", b"hdrl", chunk(b"avih", bytes(56)), stream * streams)
    return chunk(b"RIFF", b"AVI ", header, chunk(b"LIST", b"movi", bytes(3000)))
