"""First bytes to container family."""

import pytest

from consumer.media.sniff import SNIFF_BYTES, agrees, sniff
from tests.media.conftest import ENCODINGS, Made


@pytest.mark.parametrize("name", ENCODINGS)
def test_real_heads(made: Made, name: str) -> None:
    family = {"mp4": "mp4", "mov": "mp4", "webm": "matroska", "mkv": "matroska", "avi": "avi"}[name.split(".")[1]]
    with made(name).open("rb") as file:
        assert sniff(file.read(SNIFF_BYTES)) == family


@pytest.mark.parametrize("box", [b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"])
def test_boxes_that_may_come_first(box: bytes) -> None:
    assert sniff(b"\0\0\0\x18" + box + b"qt  ") == "mp4"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"ftyp",
        b"#EXTM3U\nclip.ts\n",
        b"ffconcat version 1.0\n",
        b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n",
        b"<?xml version='1.0'?><MPD/>",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xd8\xff\xe0\0\x10JFIF",
        b"GIF89a",
        b"RIFF\0\0\0\0WAVEfmt ",
        b"RIFF\0\0\0\0WEBPVP8 ",
        b"ID3\x04\0\0\0\0\0\0",
        b"\x47\x40\x00\x10" * 4,
        b"PK\x03\x04",
    ],
)
def test_everything_else_is_none(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize(
    ("content_type", "family", "expected"),
    [
        ("video/mp4", "mp4", True),
        ("VIDEO/QuickTime; codecs=hvc1", "mp4", True),
        ("video/3gpp", "mp4", True),
        ("video/webm", "matroska", True),
        ("video/x-matroska", "matroska", True),
        ("video/x-msvideo", "avi", True),
        ("video/mp4", "matroska", False),
        ("video/webm", "mp4", False),
        ("text/html", "mp4", False),
        ("", "mp4", False),
    ],
)
def test_declared_types(content_type: str, family: str, *, expected: bool) -> None:
    assert agrees(content_type, family) is expected  # type: ignore[arg-type]
