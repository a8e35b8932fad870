"""No header, however broken, does more than end in a header or in a refusal, soon."""

import random
import struct
import time
from pathlib import Path

import pytest

from core.error_codes import ErrorCode
from core.failure import Failure
from tests.consumer.headers import FTYP, Says, a_webm, an_avi, an_mp4, box, element, full, moov
from tests.ingesting.conftest import CLIPS
from tests.ingesting.test_headers import header_of

REFUSALS = {
    ErrorCode.UNSUPPORTED_CONTAINER,
    ErrorCode.METADATA_EXTRACTION_FAILED,
    ErrorCode.INVALID_METADATA,
}
ROUNDS = 40
MUTATED_S = 1.0


async def judged(body: bytes) -> ErrorCode | None:
    started = time.perf_counter()
    try:
        await header_of(body)
    except Failure as failure:
        code = failure.code
    else:
        code = None
    assert time.perf_counter() - started < MUTATED_S
    return code


def mutated(body: bytes, chance: random.Random) -> bytes:
    """Some bytes, or a number, anywhere in the first or last kilobytes replaced; sometimes the end cut off."""
    data = bytearray(body)
    for _ in range(chance.randint(1, 8)):
        at = chance.choice(
            [chance.randrange(min(4096, len(data))), chance.randrange(max(0, len(data) - 4096), len(data))]
        )
        value = chance.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\0\0\0\1", b"\x7f\xff\xff\xff", chance.randbytes(4)])
        data[at : at + 4] = value
    return bytes(data[: chance.randrange(1, len(data))] if chance.random() < 0.2 else data)


@pytest.mark.parametrize("name", CLIPS)
async def test_mutations_end_in_a_header_or_a_refusal(clips: dict[str, Path], name: str) -> None:
    body, chance = clips[name].read_bytes(), random.Random(f"mutations of {name}")
    for _ in range(ROUNDS):
        assert await judged(mutated(body, chance)) in REFUSALS | {None}


@pytest.mark.parametrize("name", CLIPS)
async def test_a_cut_file_ends_in_a_header_or_a_refusal(clips: dict[str, Path], name: str) -> None:
    body = clips[name].read_bytes()
    for size in (0, 1, 7, 8, 15, 16, 17, 31, 100, len(body) // 2, len(body) - 1):
        assert await judged(body[:size]) in REFUSALS | {None}


def nested(kind: bytes, depth: int) -> bytes:
    body = b""
    for level in range(depth):
        body = struct.pack(">I4s", 8 * (level + 1), kind) + body
    return body


PICTURES = full(b"hdlr", bytes(4), b"vide", bytes(13))
ENTRY = box(b"avc1", bytes(24), struct.pack(">HH", 640, 360), bytes(50))
TIMES = full(b"stsd", struct.pack(">I", 1), ENTRY) + full(
    b"stts", struct.pack(">I", 10**6), b"\0\0\0\1" * (2**21 - 100)
)
BOMBS = {
    "many samples": FTYP + moov(Says(pictures=60_000_000)),
    "many boxes": FTYP + box(b"moov", box(b"free") * 200_000),
    "deep boxes": FTYP + box(b"moov", box(b"trak", nested(b"mdia", 50_000))),
    "deep edits": FTYP + box(b"moov", box(b"trak", nested(b"edts", 50_000))),
    "a compressed header": FTYP + box(b"moov", box(b"cmov", bytes(1000))),
    "a header of 9 MiB": FTYP + box(b"moov", bytes(9 * 2**20)),
    "8 MiB of times": FTYP + box(b"moov", box(b"trak", box(b"mdia", PICTURES, box(b"minf", box(b"stbl", TIMES))))),
    "boxes for ever": FTYP + box(b"free", bytes(70_000)) * 60,
    "a box of no length": FTYP + struct.pack(">I4s", 4, b"free") + bytes(2000),
    "a box beyond the end": FTYP + struct.pack(">I4sQ", 1, b"mdat", 2**63) + bytes(2000),
    "many elements": a_webm(tracks=100_000),
    "an element of 1 GB": element(0x1A45DFA3) + struct.pack(">IBQ", 0x1654AE6B, 8, 1)[:5] + bytes(2000),
    "many streams": an_avi(streams=5000),
    "many tracks": FTYP + moov(Says(others=20_000)),
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_of_a_header_is_cheap(name: str) -> None:
    assert await judged(BOMBS[name]) in REFUSALS | {None}


async def test_a_truncated_upload_is_a_file_without_a_header() -> None:
    body = an_mp4(bytes(50_000))
    assert await judged(body[:-100]) is ErrorCode.METADATA_EXTRACTION_FAILED
    assert await judged(body[:30_000]) is ErrorCode.METADATA_EXTRACTION_FAILED
