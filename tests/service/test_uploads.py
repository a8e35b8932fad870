"""POST /upload/init, POST /upload/complete, GET /upload/status/{id}."""

import asyncio
import json
import re
import uuid
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import analysis_id_of, decode
from core.record import Status
from core.transitions import uploaded
from service.answers import Accepted, UploadAddress, UploadStatus
from service.outside import Pace
from tests.service.world import CLIP, UNKNOWN, WISH, World, refused, settings

Client = TestClient[Any, Any]


async def test_init_gives_an_address(http: Client, world: World) -> None:
    async with http.post("/upload/init", json=WISH, headers={"Accept-Language": "de"}) as answer:
        body = UploadAddress.model_validate(await answer.json())
        assert answer.status == 201
        assert answer.headers["Location"] == f"/analysis/{body.analysis_id}/status"
    assert uuid.UUID(body.analysis_id).version == 4
    assert body.s3_key == f"videos/2026/11/24/{body.analysis_id}.mp4"
    assert analysis_id_of(body.s3_key) == body.analysis_id
    assert body.upload_fields["key"] == body.s3_key
    assert (body.expires_in, body.max_file_size) == (1800, 120 * 1024 * 1024)
    assert world.objects.posts[0].fields["policy"] == "1024-125829120 bytes, 1800 s"
    record = world.record(body.analysis_id)
    assert record.status is Status.PENDING_UPLOAD
    assert (record.sport_type, record.language, record.filename) == ("bouldering", "de", "project.mp4")
    assert record.created_at == "2026-11-24T12:00:00.000Z"
    assert record.expires_at == int(world.clock().timestamp()) + 90 * 86400
    assert world.jobs == []


@pytest.mark.parametrize(
    ("content_type", "extension", "kept"),
    [
        ("video/mp4", "mp4", "video/mp4"),
        ("VIDEO/MP4; codecs=avc1", "mp4", "video/mp4"),
        ("video/quicktime", "mov", "video/quicktime"),
        ("video/webm", "webm", "video/webm"),
        ("video/x-matroska", "mkv", "video/x-matroska"),
        ("video/avi", "avi", "video/avi"),
        ("video/x-msvideo", "avi", "video/x-msvideo"),
        ("video/3gpp", "3gp", "video/3gpp"),
    ],
)
async def test_types_that_are_taken(http: Client, world: World, content_type: str, extension: str, kept: str) -> None:
    analysis_id = await world.began(http, WISH | {"content_type": content_type, "filename": "a.exe"})
    record = world.record(analysis_id)
    assert record.key.endswith(f".{extension}")
    assert record.content_type == kept
    assert analysis_id_of(record.key) == analysis_id


@pytest.mark.parametrize("content_type", ["", "image/gif", "video/x-ms-wmv", "application/octet-stream", "video/mp4,x"])
async def test_types_that_are_not_taken(http: Client, world: World, content_type: str) -> None:
    async with http.post("/upload/init", json=WISH | {"content_type": content_type}) as answer:
        problem = await refused(answer, ErrorCode.UNSUPPORTED_CONTENT_TYPE)
    assert "video/mp4" in str(problem.technical_details["supported"])
    assert world.records.stored == {}


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (0, ErrorCode.FILE_TOO_SMALL),
        (1023, ErrorCode.FILE_TOO_SMALL),
        (120 * 1024 * 1024 + 1, ErrorCode.FILE_TOO_LARGE),
        (10**18, ErrorCode.FILE_TOO_LARGE),
    ],
)
async def test_sizes_that_are_not_taken(http: Client, size: int, code: ErrorCode) -> None:
    async with http.post("/upload/init", json=WISH | {"file_size": size}) as answer:
        problem = await refused(answer, code)
    assert problem.technical_details


@pytest.mark.parametrize("size", [1024, 120 * 1024 * 1024])
async def test_sizes_at_the_limits_are_taken(http: Client, world: World, size: int) -> None:
    await world.began(http, WISH | {"file_size": size})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"file_size": -1}, "file_size"),
        ({"file_size": "5000"}, "file_size"),
        ({"file_size": 1.5}, "file_size"),
        ({"file_size": None}, "file_size"),
        ({"filename": 7}, "filename"),
        ({"filename": "a" * 2000}, "filename"),
        ({"content_type": "v" * 200}, "content_type"),
        ({"sport_type": "golf"}, "sport_type"),
        ({"language": "fr"}, "language"),
    ],
)
async def test_a_wrong_field_is_named(http: Client, change: dict[str, object], field: str) -> None:
    async with http.post("/upload/init", json=WISH | change) as answer:
        problem = await refused(answer, ErrorCode.INVALID_REQUEST)
    assert [named["field"] for named in problem.model_dump()["technical_details"]["fields"]] == [field]
    assert "aaaa" not in problem.model_dump_json()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"filename":"\\ud800","content_type":"video/mp4","file_size":5000}',
        b'{"filename":"a","content_type":"video/mp4","file_size":' + b"9" * 10_000 + b"}",
        b'{"filename":"a","content_type":"video/mp4","file_size":NaN}',
    ],
)
async def test_broken_and_deep_json(http: Client, body: bytes) -> None:
    async with http.post("/upload/init", data=body, headers={"Content-Type": "application/json"}) as answer:
        await refused(answer, ErrorCode.INVALID_REQUEST)


async def test_huge_json_is_not_read(http: Client) -> None:
    async with http.post("/upload/init", json=WISH | {"filename": "a" * 70_000}) as answer:
        problem = await refused(answer, ErrorCode.REQUEST_TOO_LARGE)
    assert problem.technical_details == {"max_bytes": 64 * 1024}


async def test_a_dripped_json_body_ends() -> None:
    world = World(pace=Pace(body_s=0.05))
    left = asyncio.Event()

    async def drip() -> Any:
        yield b'{"filename":'
        await left.wait()

    async with world.serve() as http, http.post("/upload/init", data=drip()) as answer:
        await refused(answer, ErrorCode.REQUEST_TIMEOUT)
        left.set()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Übung März.mp4", "Übung März.mp4"),
        ("登山🧗.mp4", "登山🧗.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\clips\\a.mp4", "a.mp4"),
        ("a\r\nSet-Cookie: x=1\x00\x1b[31m.mp4", "aSet-Cookie: x=1[31m.mp4"),
        ("gpj\u202e4pm.exe", "gpj4pm.exe"),
        ("<img src=x onerror=alert(1)>.mp4", "<img src=x onerror=alert(1)>.mp4"),
        ("u\u0308.mp4", "ü.mp4"),
        ("a" * 900, "a" * 200),
        ("", "clip"),
        ("\x00\u2028", "clip"),
        ("x/", "clip"),
    ],
)
async def test_file_names_are_only_shown(http: Client, world: World, given: str, kept: str) -> None:
    analysis_id = await world.began(http, WISH | {"filename": given})
    assert re.fullmatch(rf"videos/2026/11/24/{analysis_id}\.mp4", world.record(analysis_id).key)
    async with http.get(f"/upload/status/{analysis_id}") as answer:
        assert (await answer.json())["filename"] == kept


async def test_no_address_no_record(http: Client, world: World) -> None:
    world.faults.broken("objects.presign_post", Failure(ErrorCode.PRESIGN_FAILED, "no credentials"))
    async with http.post("/upload/init", json=WISH) as answer:
        problem = await refused(answer, ErrorCode.PRESIGN_FAILED)
        assert answer.headers["Retry-After"] == "5"
    assert "credentials" not in problem.model_dump_json()
    assert world.records.stored == {}


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


async def test_the_prober_s_work_is_marked(http: Client, world: World) -> None:
    await world.queued(http, headers={"baggage": "a=b, user_agent.synthetic.type=test"})
    (sent,) = world.ingest.sent
    assert sent.attributes["synthetic"] == "1"


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


async def test_limits_come_from_the_settings() -> None:
    world = World(settings=settings(MAX_UPLOAD_BYTES="5000"))
    async with world.serve() as http, http.post("/upload/init", json=WISH | {"file_size": 5001}) as answer:
        problem = await refused(answer, ErrorCode.FILE_TOO_LARGE)
    assert problem.technical_details == {"max_file_size": 5000}
