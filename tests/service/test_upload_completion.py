"""POST /upload/complete and GET /upload/status/{id}."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import decode
from core.ports import ObjectInfo
from core.record import Status
from core.transitions import examined, sent, uploaded
from service.answers import Accepted, UploadStatus
from tests.fakes import FakeObjects
from tests.service.world import CLIP, UNKNOWN, WISH, World, refused

Client = TestClient[Any, Any]


async def test_complete_queues_it(http: Client, world: World) -> None:
    analysis_id = await world.began(http, headers={"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    await world.arrives(analysis_id)
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        body = Accepted.model_validate(await answer.json())
        assert answer.status == 202
        assert answer.headers["Location"] == f"/analysis/{analysis_id}/status"
        assert int(answer.headers["Retry-After"]) > 0
    assert body.model_dump(mode="json") == {
        "analysis_id": analysis_id,
        "status": "queued",
        "sport_detected": "bouldering",
        "video_url": f"/videos/{analysis_id}",
    }
    assert world.record(analysis_id).status is Status.QUEUED
    (sent,) = world.ingest.sent
    job = decode(sent.body, dict(sent.attributes)).job
    assert job is not None
    assert (job.kind, job.analysis_id, job.epoch, job.synthetic) == ("ingest", analysis_id, 0, False)
    assert job.traceparent is not None
    assert job.traceparent.startswith(f"00-{'a' * 32}-")
    assert world.analysis.sent == []


class Moving(FakeObjects):
    """Ingest takes the upload, and moves it, just before the first look at it."""

    world: World | None = None

    async def head(self, key: str) -> ObjectInfo | None:
        if self.world is not None:
            world, self.world = self.world, None
            record = next(one for one in world.records.stored.values() if one.key == key)
            self.stored[record.clip_key] = self.stored.pop(key)
            now = world.clock()
            for change in (uploaded(now), examined(now, etag="e", size=len(CLIP), epoch=0), sent(now, epoch=0)):
                await world.records.apply(record.analysis_id, change)
        return await super().head(key)


async def test_a_clip_that_was_taken_meanwhile_is_not_missing(world: World) -> None:
    objects = Moving()
    async with world.serve(objects=objects) as http:
        analysis_id = await world.began(http)
        record = world.record(analysis_id)
        await objects.put(record.key, CLIP, content_type=record.content_type)
        objects.world = world
        async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
            assert answer.status == 202, await answer.text()
    assert world.ingest.sent == []


async def test_the_prober_s_work_is_marked(http: Client, world: World) -> None:
    await world.queued(http, headers={"baggage": "a=b, user_agent.synthetic.type=test"})
    (sent,) = world.ingest.sent
    assert sent.attributes["synthetic"] == "1"


@pytest.mark.parametrize(
    ("baggage", "without"),
    [
        ("user_agent.synthetic.type=test,performate.model=off", True),
        ("user_agent.synthetic.type=test", False),
        ("performate.model=off", False),
    ],
)
async def test_a_probe_may_ask_to_go_without_the_vision_model(
    http: Client, world: World, baggage: str, without: bool
) -> None:
    analysis_id = await world.queued(http, headers={"baggage": baggage})
    assert world.records.stored[analysis_id].without_model is without


async def test_asking_again_is_harmless(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    for _ in range(2):
        async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
            assert (answer.status, (await answer.json())["status"]) == (202, "queued")
    assert world.records.applied == [(analysis_id, "uploaded")]
    assert set(world.jobs) == {("ingest", analysis_id, 0)}
    sent = len(world.jobs)
    await world.completes(analysis_id)
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        assert (answer.status, (await answer.json())["status"]) == (202, "completed")
    assert len(world.jobs) == sent


async def test_s3_s_own_event_was_quicker(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    await world.arrives(analysis_id)
    await world.records.apply(analysis_id, uploaded(world.clock()))
    await world.works(analysis_id)
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        assert (answer.status, (await answer.json())["status"]) == (202, "processing")
    assert world.jobs == []


async def test_twenty_at_once_make_one_transition(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    await world.arrives(analysis_id)

    async def complete() -> int:
        async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
            return answer.status

    assert set(await asyncio.gather(*(complete() for _ in range(20)))) == {202}
    assert world.records.applied == [(analysis_id, "uploaded")]


@pytest.mark.parametrize("analysis_id", [UNKNOWN, "", "42", "../health", UNKNOWN.upper(), "\u0660" * 36])
async def test_complete_of_nothing(http: Client, analysis_id: str) -> None:
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        await refused(answer, ErrorCode.ANALYSIS_NOT_FOUND)


async def test_complete_without_an_id(http: Client) -> None:
    async with http.post("/upload/complete", json={}) as answer:
        await refused(answer, ErrorCode.INVALID_REQUEST)


async def test_complete_before_the_upload(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        await refused(answer, ErrorCode.UPLOAD_MISSING)
    assert world.record(analysis_id).status is Status.PENDING_UPLOAD


async def test_a_queue_that_is_away_is_repaired_by_asking_again(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    await world.arrives(analysis_id)
    world.faults.broken("ingest.send", Failure(ErrorCode.QUEUE_UNAVAILABLE, "arn:aws:sqs:secret", retry_after=2.5))
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        problem = await refused(answer, ErrorCode.QUEUE_UNAVAILABLE)
        assert answer.headers["Retry-After"] == "3"
    assert problem.retryable
    assert "arn:" not in problem.model_dump_json()
    assert world.jobs == []
    world.faults.heal("ingest.send")
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        assert answer.status == 202
    assert world.jobs == [("ingest", analysis_id, 0)]


@pytest.mark.parametrize("method", ["records.get", "objects.head", "records.apply", "ingest.send"])
@pytest.mark.parametrize("lost_reply", [False, True])
async def test_a_fault_at_any_call_of_complete_is_repaired_by_asking_again(
    http: Client, world: World, method: str, lost_reply: bool
) -> None:
    analysis_id = await world.began(http)
    await world.arrives(analysis_id)
    next_call = world.faults.count(method) + 1
    plan = world.faults.after if lost_reply else world.faults.at
    plan(method, next_call, Failure(ErrorCode.STORE_UNAVAILABLE))
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        await refused(answer, ErrorCode.STORE_UNAVAILABLE)
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        assert answer.status == 202
    assert world.record(analysis_id).status is Status.QUEUED
    assert ("ingest", analysis_id, 0) in world.jobs


async def test_a_late_upload_is_taken_if_it_came(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    await world.arrives(analysis_id)
    world.clock.advance(hours=3)
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        assert answer.status == 202


async def test_an_upload_that_never_came_expires(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    world.clock.advance(seconds=1800 + 3600)
    async with http.get(f"/upload/status/{analysis_id}") as answer:
        assert (await answer.json())["status"] == "pending_upload"
    world.clock.advance(seconds=1)
    async with http.get(f"/upload/status/{analysis_id}") as answer:
        body = UploadStatus.model_validate(await answer.json())
    assert body.status is Status.EXPIRED
    assert body.error is not None
    assert body.error.code is ErrorCode.UPLOAD_EXPIRED
    assert world.record(analysis_id).status is Status.EXPIRED
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}) as answer:
        await refused(answer, ErrorCode.UPLOAD_EXPIRED)


async def test_status_of_an_upload(http: Client, world: World) -> None:
    analysis_id = await world.began(http, WISH | {"file_size": 3 * 1024 * 1024})
    async with http.get(f"/upload/status/{analysis_id}") as answer:
        first = await answer.json()
    assert first == {
        "analysis_id": analysis_id,
        "status": "pending_upload",
        "filename": "project.mp4",
        "size_mb": 3.0,
        "stage": None,
        "progress": 0,
        "error": None,
    }
    await world.arrives(analysis_id)
    await world.records.apply(analysis_id, uploaded(world.clock()))
    await world.works(analysis_id, stage="analyze", progress=70)
    async with http.get(f"/upload/status/{analysis_id}") as answer:
        later = await answer.json()
    assert (later["status"], later["stage"], later["progress"]) == ("processing", "analyze", 70)
    assert later["size_mb"] == round(len(CLIP) / 1024 / 1024, 2)


async def test_status_of_a_failed_upload_in_german(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.fails(analysis_id, ErrorCode.VIDEO_TOO_LONG, "secret detail")
    async with http.get(f"/upload/status/{analysis_id}", headers={"Accept-Language": "de-AT"}) as answer:
        body = await answer.json()
    assert body["status"] == "failed"
    assert body["error"]["code"] == "VIDEO_TOO_LONG"
    assert body["error"]["title"] == "Der Clip ist zu lang"
    assert "secret" not in json.dumps(body)


@pytest.mark.parametrize("analysis_id", [UNKNOWN, "x", "%00", "..%2f..%2fhealth"])
async def test_status_of_nothing(http: Client, analysis_id: str) -> None:
    async with http.get(f"/upload/status/{analysis_id}") as answer:
        await refused(answer, ErrorCode.ANALYSIS_NOT_FOUND)


async def test_what_is_past_its_time_is_gone(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    world.clock.advance(days=91)
    async with http.get(f"/upload/status/{analysis_id}") as answer:
        await refused(answer, ErrorCode.ANALYSIS_NOT_FOUND)
