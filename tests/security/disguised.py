"""Files that are no clips, or clips that speak of other files, each under a clip's name.

`{canary}` stands for the path of somebody else's clip, `{port}` for that of a server on this machine.
"""

import struct
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

LEAST = 1024

TEXTS = {
    "hls-file.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{canary}\n#EXT-X-ENDLIST\n",
    "hls-relative.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\ncanary.mp4\n#EXT-X-ENDLIST\n",
    "hls-http.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n",
    "hls-key.mp4": '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:{port}/k"\n#EXTINF:9,\ncanary.mp4\n',
    "concat-relative.mp4": "ffconcat version 1.0\nfile canary.mp4\n",
    "concat-absolute.mp4": "ffconcat version 1.0\nfile {canary}\n",
    "concat-http.mp4": "ffconcat version 1.0\nfile http://127.0.0.1:{port}/x.mp4\n",
    "session.mp4": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=video 15004 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n",
    "dash.mp4": '<?xml version="1.0"?><MPD><Period><BaseURL>http://127.0.0.1:{port}/</BaseURL></Period></MPD>',
    "reference.mp4": "[Reference]\r\nRef1=http://127.0.0.1:{port}/x.mp4\r\n",
    "asx.avi": '<asx version="3.0"><entry><ref href="http://127.0.0.1:{port}/x"/></entry></asx>',
    "sequence%d.mp4": "sequence%d.jpg",
    "page.webm": '<html><body><img src="http://127.0.0.1:{port}/x"><script>alert(1)</script></body></html>',
    "drawing.mp4": '<svg xmlns="http://www.w3.org/2000/svg"><image href="file://{canary}"/></svg>',
    "playlist.m3u8": "#EXTM3U\n#EXTINF:9,\ncanary.mp4\n",
}


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    canary: Path
    port: int


def texts(around: Surroundings) -> dict[str, bytes]:
    """What FFmpeg would follow if it were let."""
    return {
        name: text.replace("{canary}", str(around.canary)).replace("{port}", str(around.port)).encode().ljust(LEAST)
        for name, text in TEXTS.items()
    }


def pictures_and_archives() -> dict[str, bytes]:
    """What FFmpeg takes for a clip of one picture, and what a browser takes for something else."""
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">2I5B", 1, 1, 8, 0, 0, 0, 0)) + _chunk(b"IEND", b"")
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("../../escaped.txt", "x" * LEAST)
    return {
        "picture.mp4": png.ljust(LEAST, b"\0"),
        "moving.mp4": b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;".ljust(LEAST, b"\0"),
        "archive.mp4": archive.getvalue().ljust(LEAST, b"\0"),
        "riff.avi": b"RIFF\0\4\0\0WEBPVP8 ".ljust(LEAST, b"\0"),
    }


def external(clip: bytes, around: Surroundings) -> dict[str, bytes]:
    """A good MP4 whose pictures are said to lie in another file, in each of the ways that the format has."""
    address = f"http://127.0.0.1:{around.port}/x".encode()
    return {
        "elsewhere-url.mov": _with_data_reference(clip, b"url ", address + b"\0"),
        "elsewhere-file.mp4": _with_data_reference(clip, b"url ", f"file://{around.canary}".encode() + b"\0"),
        "elsewhere-alias.mov": _with_data_reference(clip, b"alis", _alias(around.canary)),
        "elsewhere-movie.mov": _movie_of_references(address),
    }


def segments(clip: bytes, around: Surroundings) -> dict[str, bytes]:
    """A good Matroska that says which files come before and after it."""
    name = str(around.canary).encode()
    linked = _ebml(b"\x3c\x83\xab", name) + _ebml(b"\x3e\x83\xbb", name)  # PrevFilename, NextFilename
    at = clip.index(b"\x15\x49\xa9\x66") + 4  # Info
    length = 1 + next(bit for bit in range(8) if clip[at] & 0x80 >> bit)
    size = int.from_bytes(clip[at : at + length], "big") & (1 << 7 * length) - 1
    grown = (size + len(linked) | 1 << 7 * length).to_bytes(length, "big")
    return {"linked.mkv": clip[:at] + grown + linked + clip[at + length :]}


def polyglots(clip: bytes) -> dict[str, bytes]:
    """Good clips that are something else as well: they are read as clips, or refused."""
    page = _box(b"free", b"<html><script>fetch('/steal')</script></html>")
    archive = BytesIO(clip)
    with zipfile.ZipFile(archive, "a") as file:
        file.writestr("evil.sh", "exit 1")
    start = int.from_bytes(clip[:4], "big")
    # behind the header, as boxes before the pictures would move them: nothing in the index moves with them
    return {
        "page.mp4": clip + page,
        "archive-too.mp4": archive.getvalue(),
        "list-too.mp4": clip + b"\n#EXTM3U\nx\n",
        "brand.mp4": clip[:8] + b"qt  " + clip[12:start] + clip[start:],
    }


def _with_data_reference(clip: bytes, kind: bytes, body: bytes) -> bytes:
    """The clip with another `dref`: every box above it grows by the difference. Its index must lie behind its data."""
    entry = _box(kind, struct.pack(">I", 0), body)
    reference = _box(b"dref", struct.pack(">2I", 0, 1), entry)
    at = clip.index(b"dref") - 4
    old = int.from_bytes(clip[at : at + 4], "big")
    data = bytearray(clip[:at] + reference + clip[at + old :])
    for parent in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        place = clip.rindex(parent, 0, at) - 4
        size = int.from_bytes(data[place : place + 4], "big") + len(reference) - old
        data[place : place + 4] = size.to_bytes(4, "big")
    return bytes(data)


def _alias(path: Path) -> bytes:
    """A QuickTime alias record of an absolute path: tag 18 is the path from the volume's root, 19 the volume."""
    name = str(path).encode()
    record = bytearray(150)
    record[0:8] = struct.pack(">IHH", 0, 0, 2)
    record[8] = 1
    tags = b"".join(
        struct.pack(">HH", tag, len(text)) + text + b"\0" * (len(text) % 2) for tag, text in ((18, name), (19, b"/"))
    )
    return bytes(record) + tags + struct.pack(">HH", 0xFFFF, 0)


def _movie_of_references(address: bytes) -> bytes:
    """A QuickTime file that holds nothing but where the movie is."""
    where = _box(b"rdrf", struct.pack(">I4sI", 0, b"url ", len(address) + 1), address + b"\0")
    return (
        _box(b"ftyp", b"qt  ", bytes(4))
        + _box(b"moov", _box(b"rmra", _box(b"rmda", where)))
        + _box(b"free", bytes(LEAST))
    )


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + bytes(4)


def _ebml(element: bytes, body: bytes) -> bytes:
    return element + (len(body) | 0x4000).to_bytes(2, "big") + body


def all_of(mp4: bytes, mkv: bytes, around: Surroundings) -> dict[str, bytes]:
    return {
        **texts(around),
        **pictures_and_archives(),
        **external(mp4, around),
        **segments(mkv, around),
        **polyglots(mp4),
    }
