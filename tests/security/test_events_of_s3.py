"""Messages that a bucket, or anybody who may write to it or to the queue, can cause: real events, and forged ones."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from core.messages import decode
from core.record import Record, Status
from core.transitions import claimed, completed, expired
from tests.emulator import Emulator
from tests.security.site import CLIP, Place, Site, site

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with site(emulator.url, tmp_path_factory.mktemp("scratch")) as running:
        yield running


def event(*keys: str, **more: Any) -> str:
    """As S3 writes it, with the fields that we do not read."""
    records = [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Post",
            "s3": {"bucket": {"name": "b"}, "object": {"key": key, "size": 1, "eTag": "e", "sequencer": "00"}},
            **more,
        }
        for key in keys
    ]
    return json.dumps({"Records": records})


def is_sent(record: Record) -> bool:
    return record.sent_at is not None


async def jobs_of(it: Site, place: Place) -> int:
    """How many analysis messages there are for it; all of them are taken off the queue."""
    found = 0
    while deliveries := await it.taken(it.settings.analysis_queue):
        jobs = [decode(one.body, dict(one.attributes)).job for one in deliveries]
        found += sum(job is not None and job.analysis_id == place.analysis_id for job in jobs)
    return found


async def test_the_test_event_of_a_new_bucket_is_no_upload(it: Site) -> None:
    """S3 sent one when the bucket was provisioned, before ingest was at work."""
    await it.tell(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": it.settings.bucket}))
    await it.quiet()
    assert await it.dead() == []


async def test_an_upload_that_nobody_completes_is_examined_and_queued(it: Site) -> None:
    place = await it.begin()
    await it.send(place)
    record = await it.becomes(place, is_sent)
    assert (record.status, record.object_bytes) == (Status.QUEUED, len(CLIP))
    await it.quiet()
    assert await jobs_of(it, place) == 1


async def test_duplicates_in_any_order_make_one_analysis(it: Site) -> None:
    """The real event, an older one, copies of both and the client's own word, all at once."""
    place = await it.begin()
    await it.send(place)
    await asyncio.gather(
        *(it.tell(event(place.key, eventTime=f"2026-11-24T12:00:0{second}.000Z")) for second in (3, 1, 2, 0, 1)),
        it.http.post("/upload/complete", json={"analysis_id": place.analysis_id}),
    )
    record = await it.becomes(place, is_sent)
    await it.quiet()
    assert await jobs_of(it, place) == 1
    await it.tell(event(place.key, place.key))
    await it.quiet()
    assert await jobs_of(it, place) == 0
    assert await it.record(place) == await it.becomes(place, lambda now: now.object_etag == record.object_etag)


FOREIGN = {
    "another folder": "holiday/beach.mp4",
    "no id": "videos/2026/11/24/evil.mp4",
    "an id that nobody has": f"videos/2026/11/24/{uuid.UUID(int=7)}.mp4",
    "a way out": "videos/2026/11/24/../../../artifacts/x.mp4",
    "a result": f"artifacts/{uuid.UUID(int=7)}/result.json",
    "nothing": "",
    "line breaks": "videos%0A%0D%00%1b%5b2J.mp4",
    "no UTF-8": "videos%2F%ff%fe.mp4",
    "a long one": "videos/" + "x" * 1000,
}


@pytest.mark.parametrize("name", FOREIGN)
async def test_a_foreign_key_is_dropped(it: Site, name: str) -> None:
    with capture_logs() as logs:
        await it.tell(event(FOREIGN[name]))
        await it.quiet()
    assert await it.dead() == []
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["upload.dropped"]
    assert not any("evil" in str(line) or "\n" in str(line.get("key", "")) for line in logs)


async def test_a_foreign_object_in_our_bucket_is_dropped(it: Site) -> None:
    for key in ("videos/2026/11/24/evil.mp4", f"videos/2026/11/24/{uuid.UUID(int=8)}.mp4"):
        await it.outside.objects.put(key, CLIP, content_type="video/mp4")
    place = await it.begin()
    await it.send(place)
    await it.becomes(place, is_sent)
    await it.quiet()
    assert await it.dead() == []
    assert await jobs_of(it, place) == 1


async def test_an_event_names_a_known_id_under_another_key(it: Site) -> None:
    place = await it.begin()
    await it.outside.objects.put(place.key.replace(".mp4", ".avi"), CLIP, content_type="video/mp4")
    await it.quiet()
    assert (await it.record(place)).status is Status.PENDING_UPLOAD


async def test_an_event_before_its_object_changes_nothing(it: Site) -> None:
    place = await it.begin()
    await it.tell(event(place.key))
    await it.quiet()
    assert (await it.record(place)).status is Status.PENDING_UPLOAD
    await it.send(place)
    await it.becomes(place, is_sent)


async def test_an_event_after_the_end_changes_nothing(it: Site) -> None:
    place = await it.begin()
    await it.send(place)
    record = await it.becomes(place, is_sent)
    now = it.outside.now()
    lease = claimed(now, owner="w", message="m", receives=1, until=now.timestamp() + 60, epoch=record.epoch)
    token = (await it.outside.records.apply(place.analysis_id, lease)).lease_token
    done = await it.outside.records.apply(place.analysis_id, completed(now, token=token))
    await it.quiet()
    await jobs_of(it, place)
    await it.tell(event(place.key))
    await it.quiet()
    assert await it.record(place) == done
    assert await jobs_of(it, place) == 0


async def test_an_event_for_an_expired_upload_changes_nothing(it: Site) -> None:
    place = await it.begin()
    gone = await it.outside.records.apply(place.analysis_id, expired(it.outside.now()))
    await it.send(place)
    await it.tell(event(place.key))
    await it.quiet()
    assert await it.record(place) == gone
    assert await jobs_of(it, place) == 0


GARBAGE = [
    "{",
    "[]",
    json.dumps({"Records": [{"s3": {}}]}),
    json.dumps({"Records": [None]}),
    json.dumps({"Records": [{"s3": {"object": {"key": 5}}}]}),
    json.dumps({"v": 1, "kind": "ingest", "analysis_id": "../../etc/passwd", "epoch": 0}),
    "[" * 50_000,
]


@pytest.mark.parametrize("body", GARBAGE, ids=range(len(GARBAGE)))
async def test_what_cannot_be_read_is_kept_for_a_person(it: Site, body: str) -> None:
    await it.tell(body)
    await it.quiet()
    (letter,) = await it.dead()
    assert letter.body == body
    assert letter.attributes["reason"].startswith("UNDECODABLE")


async def test_an_event_without_records_asks_for_nothing(it: Site) -> None:
    await it.tell(json.dumps({"Records": []}))
    await it.quiet()
    assert await it.dead() == []
