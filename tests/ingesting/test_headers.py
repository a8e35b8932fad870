"""Headers read as bytes say what FFmpeg says of the same files, and show the same first picture."""

from pathlib import Path

import pytest

from consumer.ingesting.header import Header
from consumer.ingesting.look import family_of, read_header
from consumer.ingesting.ranges import Ranges
from consumer.ingesting.still import small_clip
from consumer.media.facts import Moment
from consumer.media.frames import extract
from consumer.media.probe import probe
from tests.clips import barcode_in
from tests.fakes import FakeObjects
from tests.fakes.objects import StoredObject
from tests.ingesting.conftest import CLIPS

SHOWN = 0.05
"""Seconds by which two readers may differ on a length."""


async def ranges_of(body: bytes) -> Ranges:
    objects = FakeObjects()
    objects.stored["k"] = StoredObject(body=body, content_type="video/mp4")
    info = await objects.head("k")
    assert info is not None
    return Ranges(objects, "k", info)


async def header_of(body: bytes) -> Header:
    ranges = await ranges_of(body)
    return await read_header(ranges, await family_of(ranges))


@pytest.mark.parametrize("name", CLIPS)
async def test_a_header_says_what_ffmpeg_says(clips: dict[str, Path], name: str) -> None:
    header, facts = await header_of(clips[name].read_bytes()), probe(clips[name])
    assert (header.container, header.codec, header.streams) == (facts.container, facts.codec, 1)
    assert (header.width, header.height, header.rotation) == (facts.width, facts.height, facts.rotation)
    assert header.duration_s is None or header.duration_s == pytest.approx(facts.duration_s, abs=SHOWN)
    assert header.fps is None or header.fps == pytest.approx(facts.fps, rel=0.05)
    # MediaRecorder's files and fragments do not know their length when their header is written
    assert (header.duration_s is None) == (name == "fragments.mp4")


@pytest.mark.parametrize("name", CLIPS)
async def test_a_small_clip_shows_the_first_picture(clips: dict[str, Path], tmp_path: Path, name: str) -> None:
    ranges = await ranges_of(clips[name].read_bytes())
    small = await small_clip(ranges, await read_header(ranges, await family_of(ranges)))
    assert small is not None
    path = tmp_path / name
    path.write_bytes(small)
    (frame,) = extract(path, probe(path), [Moment(t=0.0)], out=tmp_path, progress=lambda share: None)
    assert barcode_in(tmp_path / f"{frame.id}.jpg") == 0
