"""Posters of real clips, by a real child."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from consumer.engine.clock import SystemClock
from consumer.ingesting.look import family_of, read_header
from consumer.ingesting.poster import Posters
from consumer.sandbox.pool import Pool
from consumer.scratch import open_scratch
from core.record import poster_key
from tests.clips import barcode_in
from tests.fakes import FakeObjects
from tests.fakes.example import AN_ID, a_record
from tests.ingesting.test_headers import ranges_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[Pool]:
    async with Pool() as opened:
        yield opened


async def poster(pool: Pool, body: bytes, folder: Path) -> bytes | None:
    """The stored JPEG."""
    objects, ranges = FakeObjects(), await ranges_of(body)
    header = await read_header(ranges, await family_of(ranges))
    with open_scratch(folder / "scratch", budget=2**30) as scratch:
        posters = Posters(objects=objects, clock=SystemClock(), scratch=scratch, open_decoder=pool.decoder)
        stored = await posters.store(a_record(), ranges, header)
        assert list((folder / "scratch").rglob("clip.*")) == []
    assert stored == (poster_key(AN_ID) in objects.stored)
    return objects.stored[poster_key(AN_ID)].body if stored else None


@pytest.mark.parametrize("name", ["h264.mp4", "quarter.mov", "fragments.mp4", "vp9.webm", "h264.mkv", "mpeg4.avi"])
async def test_a_poster_is_the_upright_first_picture(
    clips: dict[str, Path], pool: Pool, tmp_path: Path, name: str
) -> None:
    found = await poster(pool, clips[name].read_bytes(), tmp_path)
    assert found is not None
    (tmp_path / "poster.jpg").write_bytes(found)
    assert barcode_in(tmp_path / "poster.jpg") == 0


async def test_a_clip_whose_pictures_are_garbage_has_no_poster(
    clips: dict[str, Path], pool: Pool, tmp_path: Path
) -> None:
    body = clips["h264.mp4"].read_bytes()
    start, end = body.index(b"mdat") + 4, body.rindex(b"moov") - 4
    assert await poster(pool, body[:start] + b"\xa5" * (end - start) + body[end:], tmp_path) is None
    # and the next clip has one
    assert await poster(pool, body, tmp_path) is not None


async def test_many_at_once(clips: dict[str, Path], pool: Pool, tmp_path: Path) -> None:
    body = clips["h264.mp4"].read_bytes()
    found = await asyncio.gather(*(poster(pool, body, tmp_path / str(number)) for number in range(4)))
    assert all(found)
