"""Good clips of every container and codec, and ways to damage them; the same damage for the same seed."""

import random
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests import clips
from tests.clips import Encoding, barcodes, write_clip

PICTURES = 15
SIZE = (160, 120)
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}

GOOD: dict[str, Encoding] = {
    "h264.mp4": replace(clips.H264_B, gop=8),
    "h264.mov": clips.H264,
    "h264.3gp": clips.H264,
    "h264.mkv": clips.H264_B,
    "h264.avi": clips.H264,
    "fragments.mp4": replace(clips.H264, container_options=FRAGMENTS),
    "hevc.mp4": clips.HEVC,
    "vp8.webm": clips.VP8,
    "vp9.webm": clips.VP9,
    "av1.mp4": clips.AV1,
    "mpeg4.avi": clips.MPEG4,
    "mjpeg.mov": clips.MJPEG,
    "prores.mov": clips.PRORES,
}

Damage = Callable[[random.Random, bytearray], bytearray]


def good_clips(folder: Path) -> dict[str, bytes]:
    return {name: write_clip(folder / name, barcodes(PICTURES, SIZE), code).read_bytes() for name, code in GOOD.items()}


def bits(chance: random.Random, data: bytearray) -> bytearray:
    for _ in range(chance.choice((1, 8, 64))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def header_bytes(chance: random.Random, data: bytearray) -> bytearray:
    """Where the tables are: the first and the last kilobyte."""
    for _ in range(chance.choice((1, 4, 16))):
        place = chance.choice((chance.randrange(1024), -1 - chance.randrange(1024)))
        data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    return data


def numbers(chance: random.Random, data: bytearray) -> bytearray:
    """Whole 32-bit numbers as no writer would have them."""
    for _ in range(chance.choice((1, 3))):
        value = chance.choice((0, 1, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, chance.getrandbits(32)))
        struct.pack_into(">I", data, chance.choice((chance.randrange(1020), chance.randrange(len(data) - 4))), value)
    return data


def cut(chance: random.Random, data: bytearray) -> bytearray:
    return data[: max(1024, chance.randrange(len(data)))]


def hole(chance: random.Random, data: bytearray) -> bytearray:
    start = chance.randrange(len(data))
    length = min(chance.randrange(1, 2000), len(data) - start)
    data[start : start + length] = bytes(length)
    return data


def twice(chance: random.Random, data: bytearray) -> bytearray:
    start = chance.randrange(len(data))
    data[start:start] = data[start : start + chance.randrange(1, 2000)]
    return data


def gone(chance: random.Random, data: bytearray) -> bytearray:
    start = chance.randrange(len(data))
    del data[start : start + chance.randrange(1, 500)]
    return data


DAMAGE: tuple[Damage, ...] = (bits, header_bytes, numbers, cut, hole, twice, gone)


def damaged(good: dict[str, bytes], seed: int) -> tuple[str, bytes]:
    """(name, bytes) of the clip with this number: its container and damage take turns, its places are by chance."""
    name = list(good)[seed % len(good)]
    damage = DAMAGE[seed // len(good) % len(DAMAGE)]
    return name, bytes(damage(random.Random(seed), bytearray(good[name])))
