import asyncio
import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Job, decode
from core.record import Status
from core.transitions import reopened, uploaded
from tests.consumer.rig import CLIP, House
from tests.fakes.example import AN_ID, MOMENT, a_record

KEY, CLIP_KEY = a_record().key, a_record().clip_key


def event(*keys: str) -> str:
    return json.dumps({"Records": [{"s3": {"object": {"key": key.replace("/", "%2F")}}} for key in keys]})


def completion(epoch: int = 0) -> Job:
    return Job(kind="ingest", analysis_id=AN_ID, epoch=epoch, traceparent=a_record().traceparent)


async def tell(house: House, body: str, **attributes: str) -> None:
    await house.ingest_queue.send(body, attributes)


async def ingested(house: House, seconds: float = 30) -> None:
    async with house.ingesting():
        await asyncio.sleep(seconds)


async def test_an_upload_that_only_s3_tells_of_goes_on_to_its_analysis(house: House) -> None:
    await house.upload()
    await tell(house, event(KEY))
    with capture_logs() as logs:
        await ingested(house)
    assert "upload.replaced" not in [line["event"] for line in logs]
    assert [change for _, change in house.records.applied] == ["uploaded", "examined", "sent"]
    assert (house.record.status, house.record.object_bytes) == (Status.QUEUED, len(CLIP))
    assert house.record.object_etag == house.objects.stored[CLIP_KEY].etag
    assert KEY not in house.objects.stored
    (sent,) = house.analysis_queue.sent
    job = decode(sent.body, dict(sent.attributes)).job
    assert job == Job(kind="analysis", analysis_id=AN_ID, traceparent=house.record.traceparent)
    assert house.ingest_queue.bodies == []


@pytest.mark.parametrize("order", sorted(set(itertools.permutations(["complete", "complete", "s3", "s3"]))))
@pytest.mark.parametrize("at_once", [True, False])
async def test_both_roads_in_any_order_and_number_make_one_analysis(
    house: House, order: tuple[str, ...], at_once: bool
) -> None:
    await house.upload()
    for step in order:
        if step == "complete":
            if house.record.status is Status.PENDING_UPLOAD:
                await house.records.apply(AN_ID, uploaded(MOMENT))
            await tell(house, completion().body())
        else:
            await tell(house, event(KEY))
        if not at_once:
            await ingested(house)
    await ingested(house)
    assert house.record.status is Status.QUEUED
    assert house.record.sent_at is not None
    assert len(house.analysis_queue.sent) == 1
    # looked at once, decoded once
    assert house.decoder.calls == ["probe", "extract"]
    assert house.ingest_queue.bodies == []


@pytest.mark.parametrize(
    ("body", "fields", "code"),
    [
        (CLIP[:1000], {}, ErrorCode.FILE_TOO_SMALL),
        (b"", {}, ErrorCode.FILE_TOO_SMALL),
        (CLIP * 2, {}, ErrorCode.FILE_TOO_LARGE),
        (b"GIF89a" + CLIP[12:], {}, ErrorCode.UNSUPPORTED_CONTAINER),
        (CLIP, {"content_type": "video/webm"}, ErrorCode.CONTENT_MISMATCH),
        (b"\x1a\x45\xdf\xa3" + CLIP[8:], {}, ErrorCode.CONTENT_MISMATCH),
    ],
)
async def test_a_file_that_is_not_taken_is_refused_at_once(
    house: House, body: bytes, fields: dict[str, Any], code: ErrorCode
) -> None:
    house.settings = house.settings.model_copy(update={"max_upload_bytes": len(CLIP)})
    await house.upload(body, **fields)
    await tell(house, event(KEY))
    with capture_logs() as logs:
        await ingested(house)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, code)
    assert (house.analysis_queue.sent, house.ingest_queue.bodies, house.ingest_queue.dead) == ([], [], [])
    assert [(line["error_code"], line["owner"]) for line in logs if line["event"] == "analysis.failed"] == [
        (code, "user")
    ]


async def test_an_upload_that_was_announced_and_is_not_there_fails(house: House) -> None:
    await house.upload(status=Status.QUEUED)
    house.objects.stored.clear()
    await tell(house, completion().body())
    await ingested(house)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.UPLOAD_MISSING)


async def test_an_event_for_an_upload_that_is_gone_changes_nothing(house: House) -> None:
    await house.upload()
    house.objects.stored.clear()
    await tell(house, event(KEY))
    await ingested(house)
    assert house.record.status is Status.PENDING_UPLOAD
    assert house.ingest_queue.bodies == []


@pytest.mark.parametrize(
    "body",
    [
        event("somebody/else.mp4"),
        event(a_record("11111111-1111-1111-1111-111111111111").key),
        event(KEY.replace(".mp4", ".avi")),
        json.dumps({"Event": "s3:TestEvent"}),
    ],
    ids=["foreign key", "unknown id", "another key of a known id", "test event"],
)
async def test_what_is_not_ours_is_dropped(house: House, body: str) -> None:
    await house.upload()
    await tell(house, body)
    await ingested(house)
    assert house.records.applied == []
    assert (house.ingest_queue.bodies, house.ingest_queue.dead) == ([], [])


async def test_one_event_may_tell_of_many_uploads(house: House) -> None:
    other = a_record("11111111-1111-1111-1111-111111111111")
    await house.upload()
    await house.records.create(other)
    house.objects.stored[other.key] = house.objects.stored[KEY]
    await tell(house, event("somebody/else.mp4", KEY, other.key))
    await ingested(house)
    assert len(house.analysis_queue.sent) == 2


async def test_a_job_of_ours_without_a_record_is_kept_for_a_person(house: House) -> None:
    await tell(house, completion().body())
    await ingested(house)
    assert [letter.reason for letter in house.ingest_queue.dead] == [
        "ANALYSIS_NOT_FOUND: an ingest job without a record"
    ]


async def test_a_message_for_another_queue_is_undecodable_here(house: House) -> None:
    await tell(house, replace(completion(), kind="analysis").body())
    await ingested(house)
    assert [letter.reason for letter in house.ingest_queue.dead] == ["UNDECODABLE: the message is no ingest job"]


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_between_any_two_steps_is_made_up_for(house: House, when: str) -> None:
    """Every call of a clean run fails once, before or after it had its effect."""
    await house.upload()
    await tell(house, event(KEY))
    await ingested(house)
    calls = [call for call in house.faults.calls if not call.startswith("ingest.")]
    clearing = calls.index("objects.head", calls.index("analysis.send"))
    assert calls[clearing:] == ["objects.head", "objects.head", "objects.delete"]
    assert len(calls) == 16
    for number, call in enumerate(calls):
        broken = House(scratch_dir=house.scratch_dir)
        await broken.upload()
        nth = broken.faults.count(call) + 1 + calls[:number].count(call)
        failure = Failure(ErrorCode.STORAGE_UNAVAILABLE, "test")
        (broken.faults.at if when == "before" else broken.faults.after)(call, nth, failure)
        await tell(broken, event(KEY))
        await ingested(broken, 60)
        assert broken.record.sent_at is not None, call
        assert 1 <= len(broken.analysis_queue.sent) <= 2, call
        assert broken.ingest_queue.bodies == [], call
        assert CLIP_KEY in broken.objects.stored, call
        # what cannot be cleared is the lifecycle's
        assert KEY not in broken.objects.stored or number >= clearing, call


async def test_an_upload_that_cannot_be_looked_at_fails_after_the_last_try(house: House) -> None:
    house.faults.broken("objects.head", Failure(ErrorCode.STORAGE_UNAVAILABLE, "test"))
    await house.upload(status=Status.QUEUED)
    await tell(house, completion().body())
    await ingested(house, 300)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)
    assert house.record.error_detail == "try 3 of 3: STORAGE_UNAVAILABLE: test"
    assert len(house.ingest_queue.dead) == 1


async def test_an_operators_retry_looks_at_the_clip_that_was_kept(house: House) -> None:
    await house.ready(status=Status.FAILED, error_code=ErrorCode.STAGE_TIMEOUT)
    await house.records.apply(AN_ID, reopened(MOMENT))
    await tell(house, completion(epoch=1).body())
    await ingested(house)
    assert [json.loads(sent.body)["epoch"] for sent in house.analysis_queue.sent] == [1]
    assert KEY not in house.objects.stored
    assert house.record.object_etag == house.objects.stored[CLIP_KEY].etag


async def test_an_operators_retry_starts_over_with_a_new_epoch(house: House) -> None:
    await house.upload(
        status=Status.FAILED, error_code=ErrorCode.STAGE_TIMEOUT, object_etag="old", sent_at="2026-01-01T00:00:00Z"
    )
    await house.records.apply(AN_ID, reopened(MOMENT))
    await tell(house, completion(epoch=1).body())
    await ingested(house)
    assert [json.loads(sent.body)["epoch"] for sent in house.analysis_queue.sent] == [1]
    assert house.record.object_etag == house.objects.stored[CLIP_KEY].etag
    assert house.record.sent_at is not None
