"""What changes, comes late or takes long while an upload is looked at."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import ObjectInfo
from core.record import Status
from core.transitions import examined, expired, sent
from tests.consumer.headers import an_mp4
from tests.consumer.rig import CLIP, House
from tests.consumer.test_ingest_rules import event, ingested, told
from tests.fakes import FakeObjects
from tests.fakes.example import AN_ID, MOMENT, a_record
from tests.fakes.objects import StoredObject

KEY, CLIP_KEY = a_record().key, a_record().clip_key


class Changing(FakeObjects):
    """Another version lies there after each look, `times` times."""

    times = 0

    async def head(self, key: str) -> ObjectInfo | None:
        info = await super().head(key)
        if info is not None and self.times:
            self.times -= 1
            body = self.stored[key].body
            self.stored[key] = StoredObject(body=body + b"x", content_type="video/mp4")
        return info


@pytest.mark.parametrize(("times", "code"), [(1, None), (2, None), (9, ErrorCode.OBJECT_CHANGED)])
async def test_what_changes_while_it_is_looked_at_is_looked_at_anew(
    house: House, times: int, code: ErrorCode | None
) -> None:
    house.objects = Changing(house.faults)
    house.objects.times = times
    assert await ingested(house, an_mp4()) is code
    assert code is not None or house.record.object_etag == house.objects.stored[CLIP_KEY].etag


class Slow(FakeObjects):
    """Each read takes so long."""

    seconds = 0.0

    async def read(self, key: str, **where: Any) -> bytes | None:
        await asyncio.sleep(self.seconds)
        return await super().read(key, **where)


@pytest.mark.parametrize("seconds", [9.0, 200.0])
async def test_a_slow_bucket_is_waited_for_and_then_tried_again(house: House, seconds: float) -> None:
    house.objects = Slow(house.faults)
    house.objects.seconds = seconds
    await house.upload(an_mp4(bytes(100_000)))
    async with house.ingesting():
        await house.ingest_queue.send(event(KEY), {})
        await asyncio.sleep(60)
        assert (house.record.sent_at is not None) == (seconds < 10)
        house.objects.seconds = 0.1
        await asyncio.sleep(120)
    assert (house.record.status, len(house.analysis_queue.sent)) == (Status.QUEUED, 1)


@pytest.mark.parametrize("status", [Status.PROCESSING, Status.COMPLETED, Status.FAILED])
async def test_a_late_event_changes_nothing(house: House, status: Status) -> None:
    await house.ready(status=status, sent_at="2026-11-24T12:00:00Z")
    before = house.record
    logs = await told(house, event(KEY), event(KEY))
    assert (house.record, house.analysis_queue.sent) == (before, [])
    assert "upload.replaced" not in [line["event"] for line in logs]


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PROCESSING, Status.COMPLETED, Status.FAILED])
async def test_what_comes_after_a_clip_was_taken_is_told_of_and_removed(house: House, status: Status) -> None:
    await house.ready(status=status)
    kept = house.objects.stored[CLIP_KEY]
    house.objects.stored[KEY] = StoredObject(body=CLIP + b"more", content_type="video/mp4")
    logs = await told(house, event(KEY))
    assert [line["status"] for line in logs if line["event"] == "upload.replaced"] == [status]
    assert (house.record.status, house.analysis_queue.sent) == (status, [])
    assert house.objects.stored == {CLIP_KEY: kept}


async def test_an_upload_that_a_crash_left_behind_is_removed_in_silence(house: House) -> None:
    await house.ready()
    house.objects.stored[KEY] = StoredObject(body=CLIP, content_type="video/mp4")
    logs = await told(house, event(KEY))
    assert "upload.replaced" not in [line["event"] for line in logs]
    assert KEY not in house.objects.stored


async def test_a_refused_upload_stays_for_whoever_asks_why(house: House) -> None:
    assert await ingested(house, b"text " * 1000) is ErrorCode.UNSUPPORTED_CONTAINER
    await told(house, event(KEY))
    assert list(house.objects.stored) == [KEY]


class Taking(FakeObjects):
    """Another ingest process keeps another version while this one looks."""

    taken = b""

    async def copy(self, key: str, target: str, *, of: ObjectInfo) -> str:
        if self.taken:
            self.stored[target] = StoredObject(body=self.taken, content_type="video/mp4", parts=1)
            self.taken = b""
        return await super().copy(key, target, of=of)


async def test_of_two_that_look_at_once_the_first_ones_clip_is_kept(house: House) -> None:
    house.objects = Taking(house.faults)
    house.objects.taken = first = an_mp4(b"the first" * 1000)
    assert await ingested(house, an_mp4(b"the second" * 1000)) is None
    assert house.objects.stored[CLIP_KEY].body == first
    assert (house.record.object_etag, house.record.object_bytes) == (house.objects.stored[CLIP_KEY].etag, len(first))


class Overtaken(FakeObjects):
    """While this one looks at the header, another ingest process takes the upload and moves it; then the form is sent
    once more, with `again`."""

    house: House | None = None
    again: bytes | None = None

    async def read(self, key: str, **where: Any) -> bytes | None:
        if self.house is not None:
            house, self.house = self.house, None
            kept = StoredObject(body=self.stored.pop(key).body, content_type="video/mp4", parts=1)
            self.stored[CLIP_KEY] = kept
            change = examined(MOMENT, etag=kept.etag, size=len(kept.body), epoch=0, upload_etag="another")
            for one in (change, sent(MOMENT, epoch=0)):
                await house.records.apply(AN_ID, one)
            if self.again is not None:
                self.stored[KEY] = StoredObject(body=self.again, content_type="video/mp4")
            await asyncio.sleep(1)
        return await super().read(key, **where)


@pytest.mark.parametrize("again", [None, b"text " * 1000])
async def test_a_clip_that_another_process_took_meanwhile_is_not_refused(house: House, again: bytes | None) -> None:
    house.objects = Overtaken(house.faults)
    house.objects.house, house.objects.again = house, again
    await house.upload(an_mp4())
    await told(house, event(KEY))
    assert (house.record.status, house.record.error_code) == (Status.QUEUED, None)
    assert CLIP_KEY in house.objects.stored
    assert KEY not in house.objects.stored


class Between(FakeObjects):
    """Between the look for a kept clip and the one for the upload another process takes it, and junk is sent."""

    junk = b""

    async def head(self, key: str) -> ObjectInfo | None:
        info = await super().head(key)
        if self.junk and key == CLIP_KEY:
            self.stored[CLIP_KEY] = StoredObject(body=self.stored[KEY].body, content_type="video/mp4", parts=1)
            self.stored[KEY] = StoredObject(body=self.junk, content_type="video/mp4")
            self.junk = b""
        return info


async def test_junk_that_is_sent_after_a_clip_was_taken_refuses_nothing(house: House) -> None:
    house.objects = Between(house.faults)
    house.objects.junk = b"text " * 1000
    assert await ingested(house, an_mp4()) is None
    assert house.record.object_etag == house.objects.stored[CLIP_KEY].etag
    assert KEY not in house.objects.stored


async def test_the_last_failed_try_clears_an_upload_whose_clip_is_kept(house: House) -> None:
    """As a crash between the copy and the word of it leaves it; an operator's retry finds the clip."""
    await house.upload(an_mp4(), status=Status.QUEUED)
    house.objects.stored[CLIP_KEY] = StoredObject(body=an_mp4(), content_type="video/mp4", parts=1)
    house.faults.broken("objects.read", Failure(ErrorCode.STORAGE_UNAVAILABLE, "test"))
    await told(house, event(KEY), seconds=300)
    assert house.record.error_code is ErrorCode.RETRIES_EXHAUSTED
    assert list(house.objects.stored) == [CLIP_KEY]


async def test_an_upload_that_an_older_release_noted_stays_beside_a_newer_ones_copy(house: House) -> None:
    noted = StoredObject(body=CLIP, content_type="video/mp4")
    await house.upload(status=Status.QUEUED, object_etag=noted.etag, object_bytes=len(CLIP), sent_at="t")
    house.objects.stored[CLIP_KEY] = StoredObject(body=CLIP, content_type="video/mp4", parts=1)
    await told(house, event(KEY))
    assert house.objects.stored[KEY] == noted


async def test_a_clip_that_an_older_release_took_stays_where_it_is(house: House) -> None:
    await house.upload(status=Status.COMPLETED, object_etag=StoredObject(body=CLIP, content_type="").etag)
    await told(house, event(KEY))
    assert list(house.objects.stored) == [KEY]


async def test_an_upload_that_cannot_be_cleared_makes_no_dead_letter(house: House) -> None:
    house.faults.broken("objects.delete", Failure(ErrorCode.STORAGE_UNAVAILABLE, "test"))
    await house.upload(an_mp4())
    logs = await told(house, event(KEY))
    assert [line["error_code"] for line in logs if line["event"] == "upload.not_cleared"] == ["STORAGE_UNAVAILABLE"]
    assert house.record.sent_at is not None
    assert (house.ingest_queue.bodies, house.ingest_queue.dead) == ([], [])


async def test_an_event_for_an_expired_upload_changes_nothing(house: House) -> None:
    await house.upload()
    await house.records.apply(AN_ID, expired(MOMENT))
    await told(house, event(KEY))
    assert (house.record.status, house.analysis_queue.sent) == (Status.EXPIRED, [])
    assert (house.ingest_queue.bodies, house.ingest_queue.dead) == ([], [])


async def test_one_bad_upload_of_an_event_stops_no_other(house: House) -> None:
    other = a_record("11111111-1111-1111-1111-111111111111")
    await house.upload(b"text " * 1000)
    await house.records.create(other)
    house.objects.stored[other.key] = StoredObject(body=CLIP, content_type="video/mp4")
    await told(house, event(KEY, other.key))
    assert house.record.error_code is ErrorCode.UNSUPPORTED_CONTAINER
    assert house.records.stored[other.analysis_id].sent_at is not None


async def test_a_hash_that_the_bucket_knows_is_noted(house: House) -> None:
    class Knowing(FakeObjects):
        async def head(self, key: str) -> ObjectInfo | None:
            info = await super().head(key)
            return info and replace(info, sha256="ab" * 32)

    house.objects = Knowing(house.faults)
    assert await ingested(house, an_mp4()) is None
    assert house.record.object_sha256 == "ab" * 32
