import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from core.error_codes import ErrorCode
from core.record import Status
from tests.consumer.rig import CLIP, House
from tests.fakes import FakeObjects
from tests.fakes.example import a_record
from tests.fakes.objects import StoredObject

KEY = a_record().clip_key


async def analysed(house: House, seconds: float = 30) -> list[str]:
    """The names of what is logged meanwhile."""
    await house.ask()
    with capture_logs() as logs:
        async with house.analysing():
            await asyncio.sleep(seconds)
    return [line["event"] for line in logs]


async def test_a_download_that_is_cut_goes_on_where_it_was(house: House) -> None:
    house.objects.cuts = [100_000, 0, 1]
    await house.ready()
    events = await analysed(house)
    assert events.count("video.download.resumed") == 3
    assert (house.record.status, house.record.attempt) == (Status.COMPLETED, 1)
    result = json.loads(house.objects.stored[house.record.result_key].body)
    assert result["measurement"]["video"]["sha256"] == hashlib.sha256(CLIP).hexdigest()


async def test_a_download_that_is_cut_again_and_again_is_given_up_for_now(house: House) -> None:
    house.objects.cuts = [1000] * 6
    await house.ready()
    events = await analysed(house, 60)
    assert events.count("video.download.started") == events.count("scratch.cleaned") == 2
    assert events.count("video.download.completed") == 1
    assert (house.record.status, house.record.attempt) == (Status.COMPLETED, 2)


async def test_a_clip_that_was_replaced_after_it_was_examined_is_not_analysed(house: House) -> None:
    await house.ready()
    house.objects.stored[KEY] = StoredObject(body=CLIP + b"more", content_type="video/mp4")
    events = await analysed(house)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.OBJECT_CHANGED)
    assert house.decoder.calls == []
    assert events.count("scratch.cleaned") == 1


@pytest.mark.parametrize("copied", [True, False])
async def test_what_an_older_release_noted_is_analysed_where_it_lies(house: House, copied: bool) -> None:
    await house.ready(object_etag=StoredObject(body=CLIP, content_type="").etag)
    house.objects.stored[a_record().key] = StoredObject(body=CLIP, content_type="video/mp4")
    if not copied:
        del house.objects.stored[KEY]
    await analysed(house)
    assert house.record.status is Status.COMPLETED


async def test_a_clip_that_is_larger_than_examined_never_fills_the_disk(house: House) -> None:
    await house.ready(object_bytes=len(CLIP) - 1)
    await analysed(house)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.OBJECT_CHANGED)


async def test_without_room_on_the_disk_it_waits_and_no_try_is_used_up(house: House) -> None:
    house.settings = house.settings.model_copy(update={"scratch_bytes": 2**62})
    await house.ready(object_bytes=2**60)
    events = await analysed(house, 60)
    assert events.count("video.download.started") == events.count("scratch.cleaned") == 0
    assert (house.record.status, house.record.attempt) == (Status.QUEUED, 0)
    assert house.analysis_queue.bodies != []


class Dripping(FakeObjects):
    """Every chunk takes so long. `swaps`: before each stream's first chunk the object is replaced, once each."""

    seconds = 0.0
    swaps = 0

    @asynccontextmanager
    async def stream(self, key: str, *, etag: str, start: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        async with super().stream(key, etag=etag, start=start) as chunks:
            if self.swaps:
                self.swaps -= 1
                self.stored[key] = StoredObject(body=b"y" * len(CLIP), content_type="video/mp4")
            yield self._slowly(chunks)

    async def _slowly(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            await asyncio.sleep(self.seconds)
            yield chunk


@pytest.mark.parametrize(("seconds", "done"), [(20.0, True), (50.0, False)])
async def test_a_slow_bucket_is_waited_for_as_long_as_the_stage_may_take(
    house: House, seconds: float, done: bool
) -> None:
    """Five chunks, within the download's 120 s or not; the heartbeat keeps the message meanwhile."""
    house.objects = Dripping(house.faults)
    house.objects.seconds = seconds
    await house.ready()
    events = await analysed(house, 125)
    assert (house.record.status is Status.COMPLETED, house.record.attempt) == (done, 1)
    assert events.count("video.download.started") == events.count("scratch.cleaned") == 1


async def test_a_slow_bucket_that_recovers_costs_a_try(house: House) -> None:
    house.objects = Dripping(house.faults)
    house.objects.seconds = 50.0
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(125)
        house.objects.seconds = 0.1
        await asyncio.sleep(60)
    assert (house.record.status, house.record.attempt) == (Status.COMPLETED, 2)


async def test_a_clip_that_is_replaced_while_it_is_downloaded_is_not_analysed(house: House) -> None:
    """The connection breaks, and what is asked for next is of another version."""
    house.objects = Dripping(house.faults)
    house.objects.swaps, house.objects.cuts = 1, [100_000]
    await house.ready()
    events = await analysed(house)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.OBJECT_CHANGED)
    assert house.decoder.calls == []
    assert events.count("video.download.started") == events.count("scratch.cleaned") == 1


async def test_a_clip_that_is_gone_is_not_analysed(house: House) -> None:
    await house.ready()
    del house.objects.stored[KEY]
    await analysed(house)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.OBJECT_CHANGED)


@pytest.mark.parametrize(("noted", "code"), [(CLIP, None), (b"others", ErrorCode.OBJECT_CHANGED)])
async def test_the_hash_of_the_upload_is_that_of_the_download(
    house: House, noted: bytes, code: ErrorCode | None
) -> None:
    """Two files may have one ETag: it is an MD5."""
    await house.ready(object_sha256=hashlib.sha256(noted).hexdigest())
    await analysed(house)
    assert house.record.error_code is code
    assert (house.decoder.calls == []) == (code is not None)


async def test_an_object_that_ends_early_is_given_up(house: House) -> None:
    """Its ETag is right and its size is not: storage is broken, and it is not asked for ever."""
    await house.ready(object_bytes=len(CLIP) + 10)
    events = await analysed(house, 600)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)
    assert events.count("video.download.started") == events.count("scratch.cleaned") == 3
