import asyncio
import hashlib
import json

from structlog.testing import capture_logs

from core.error_codes import ErrorCode
from core.record import Status
from tests.consumer.rig import CLIP, House
from tests.fakes.example import a_record
from tests.fakes.objects import StoredObject

KEY = a_record().key


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
