"""What a clip is said to be, and what is refused before anything of it decodes."""

import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from consumer.media.policy import POLICY, MediaPolicy
from consumer.media.probe import probe
from core.error_codes import ErrorCode
from core.failure import Failure
from tests import clips
from tests.clips import barcodes, write_clip, write_sound
from tests.media.conftest import ENCODINGS, PICTURES, Made

REAL = Path(__file__).parents[3] / "shared" / "clips"


def refused(path: Path, policy: MediaPolicy = POLICY) -> ErrorCode:
    with pytest.raises(Failure) as caught:
        probe(path, policy)
    return caught.value.code


@pytest.mark.parametrize("name", ENCODINGS)
def test_facts(made: Made, name: str) -> None:
    facts = probe(made(name))
    encoding = ENCODINGS[name]
    assert facts.codec == name.split("-", maxsplit=1)[0].split(".", maxsplit=1)[0]
    assert facts.container == {"webm": "matroska", "mkv": "matroska", "avi": "avi"}.get(name.split(".")[1], "mp4")
    assert (facts.width, facts.height, facts.rotation) == (320, 240, encoding.rotation)
    assert facts.bytes == made(name).stat().st_size
    assert facts.pictures == (None if facts.container == "avi" else PICTURES)
    assert not facts.truncated
    if encoding.times is None:
        assert facts.duration_s == pytest.approx(2, abs=0.01)
        assert facts.fps == pytest.approx(30, abs=0.01)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real clips are not on this machine")
@pytest.mark.parametrize(
    ("name", "codec", "size", "seconds"),
    [
        ("boulder-indoor.mp4", "h264", (1080, 1440), 15.08),
        ("walking-street.mp4", "vp9", (1768, 994), 7.67),
    ],
)
def test_real_clips(name: str, codec: str, size: tuple[int, int], seconds: float) -> None:
    facts = probe(REAL / name)
    assert (facts.codec, facts.width, facts.height) == (codec, *size)
    assert facts.duration_s == pytest.approx(seconds, abs=0.02)


def test_a_rate_that_no_camera_has_is_refused_and_of_few_pictures_unknown(tmp_path: Path) -> None:
    fast = replace(clips.H264, times=[index / 5000 for index in range(60)])
    with pytest.raises(Failure) as caught:
        probe(write_clip(tmp_path / "fast.mp4", barcodes(60), fast))
    assert caught.value.code is ErrorCode.FRAME_RATE_TOO_HIGH
    few = replace(clips.H264, times=[index / 5000 for index in range(9)])
    assert probe(write_clip(tmp_path / "few.mp4", barcodes(9), few)).fps is None


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (MediaPolicy(max_bytes=5000), ErrorCode.FILE_TOO_LARGE),
        (MediaPolicy(min_bytes=1_000_000), ErrorCode.FILE_TOO_SMALL),
        (MediaPolicy(containers=frozenset({"avi"})), ErrorCode.UNSUPPORTED_CONTAINER),
        (MediaPolicy(codecs=frozenset({"vp9"})), ErrorCode.UNSUPPORTED_CODEC),
        (MediaPolicy(max_pixels=10_000), ErrorCode.VIDEO_TOO_LARGE_PIXELS),
        (MediaPolicy(max_duration_s=1), ErrorCode.VIDEO_TOO_LONG),
        (MediaPolicy(max_duration_s=1, max_fps=10), ErrorCode.INVALID_METADATA),
        (MediaPolicy(max_streams=0), ErrorCode.INVALID_METADATA),
        (MediaPolicy(max_samples=10), ErrorCode.INVALID_METADATA),
    ],
)
def test_the_policy_is_held(made: Made, limits: MediaPolicy, code: ErrorCode) -> None:
    assert refused(made("h264.mp4"), limits) is code


def test_ten_hours_at_a_picture_a_quarter_of_an_hour_are_too_long(tmp_path: Path) -> None:
    slow = replace(clips.H264, times=[index * 900 for index in range(40)])
    for name in ("slow.mp4", "slow.mkv"):
        assert refused(write_clip(tmp_path / name, barcodes(40), slow)) is ErrorCode.VIDEO_TOO_LONG


def test_sound_alone_has_no_frames(tmp_path: Path) -> None:
    assert refused(write_sound(tmp_path / "sound.mp4")) is ErrorCode.NO_VALID_FRAMES


def test_a_codec_outside_the_list(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "odd.mkv", barcodes(5), clips.Encoding(codec="ffv1"))
    assert refused(path) is ErrorCode.UNSUPPORTED_CODEC


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", ErrorCode.FILE_TOO_SMALL),
        (b"no video, only text. " * 100, ErrorCode.UNSUPPORTED_CONTAINER),
        (b"\x89PNG\r\n\x1a\n" + bytes(4000), ErrorCode.UNSUPPORTED_CONTAINER),
        (b"\x00\x00\x00\x18ftypisom" + bytes(4000), ErrorCode.METADATA_EXTRACTION_FAILED),
        (b"\x1a\x45\xdf\xa3" + bytes(4000), ErrorCode.METADATA_EXTRACTION_FAILED),
    ],
)
def test_what_is_no_clip(tmp_path: Path, data: bytes, code: ErrorCode) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    assert refused(path) is code


def _samples(box: bytes, numbers: Callable[[int], bytes]) -> Callable[[bytes, int], bytes]:
    def claim(data: bytes, count: int) -> bytes:
        at = data.index(box) + 4
        return data[:at] + numbers(count) + data[at + len(numbers(count)) :]

    return claim


@pytest.mark.parametrize(
    ("name", "claim"),
    [
        ("h264.mp4", _samples(b"stsz", lambda count: struct.pack(">III", 0, 1, count))),
        ("h264-fragments.mp4", _samples(b"trun", lambda count: struct.pack(">II", 0, count))),
    ],
)
@pytest.mark.parametrize("count", [2_000_000, 85_000_000, 1_000_000_000])
def test_millions_of_declared_samples(
    made: Made, tmp_path: Path, name: str, claim: Callable[[bytes, int], bytes], count: int
) -> None:
    path = tmp_path / "claims.mp4"
    path.write_bytes(claim(made(name).read_bytes(), count))
    assert refused(path) is ErrorCode.INVALID_METADATA
