"""GET /analysis/{id} and what belongs to it: status, result, failure, waiting, start, retry, overlay, video."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status
from core.transitions import expired, released
from service.analysis_result import AnalysisResult
from service.answers import AnalysisStatus, VideoAddress
from service.keys import WATCHES
from service.outside import Pace
from service.overlays import Overlay
from tests.service.sample import MODEL, measured, unmeasured
from tests.service.world import TOKEN, UNKNOWN, World, refused, settings

Client = TestClient[Any, Any]
NOW = {"Prefer": "wait=0"}
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


async def test_status_on_its_way(http: Client, world: World) -> None:
    analysis_id = await world.began(http)

    async def status() -> AnalysisStatus:
        async with http.get(f"/analysis/{analysis_id}/status") as answer:
            assert answer.status == 200
            return AnalysisStatus.model_validate(await answer.json())

    assert (await status()).status == "pending"
    await world.arrives(analysis_id)
    async with http.post("/upload/complete", json={"analysis_id": analysis_id}):
        pass
    assert (await status()).stage == "queue"
    await world.works(analysis_id, stage="extract", progress=40)
    at_it = await status()
    assert (at_it.status, at_it.stage, at_it.progress, at_it.attempt) == ("processing", "extract", 40, 1)
    assert at_it.error is None
    token = world.record(analysis_id).lease_token
    await world.records.apply(analysis_id, released(world.clock(), token=token, counts=True))
    assert (await status()).status == "pending"


async def test_status_of_the_end(http: Client, world: World) -> None:
    done, bad, late = [await world.queued(http) for _ in range(2)] + [await world.began(http)]
    await world.completes(done)
    await world.fails(bad, ErrorCode.CONTENT_MISMATCH)
    await world.records.apply(late, expired(world.clock()))
    found = {}
    for analysis_id in (done, bad, late):
        async with http.get(f"/analysis/{analysis_id}/status") as answer:
            body = AnalysisStatus.model_validate(await answer.json())
            found[analysis_id] = (body.status, body.progress, body.error.code if body.error else None)
    assert found == {
        done: ("completed", 100, None),
        bad: ("failed", 0, ErrorCode.CONTENT_MISMATCH),
        late: ("failed", 0, ErrorCode.UPLOAD_EXPIRED),
    }


async def test_status_is_not_sent_twice(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    path = f"/analysis/{analysis_id}/status"
    async with http.get(path) as answer:
        tag = answer.headers["ETag"]
        assert answer.headers["Cache-Control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        async with http.get(path, headers={"If-None-Match": known}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")
            assert answer.headers["ETag"] == tag
    async with http.get(path, headers={"If-None-Match": '"other"'}) as answer:
        assert answer.status == 200
    async with http.get(path, headers={"If-None-Match": tag, "Accept-Language": "de"}) as answer:
        assert answer.status == 200
    await world.works(analysis_id)
    async with http.get(path, headers={"If-None-Match": tag}) as answer:
        assert answer.status == 200
        assert answer.headers["ETag"] != tag


async def test_the_result(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.completes(analysis_id, measured(analysis_id, model=MODEL))
    async with http.get(f"/analysis/{analysis_id}") as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        body = AnalysisResult.model_validate(await answer.json())
    assert body.id == body.analysis_id == analysis_id
    assert body.schema_version == 1
    assert body.performance_score == 72.5
    assert body.metrics["height_gain"].value == 4.25
    assert [(frame.id, frame.url is not None) for frame in body.frames] == [("start", True), ("end", True)]
    assert world.objects.gets == [f"artifacts/{analysis_id}/frames/{name}.jpg" for name in ("start", "end")]
    assert body.model == MODEL


async def test_the_result_in_german(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.completes(analysis_id, unmeasured(analysis_id))
    for language, said in (("de", "niemand"), ("en", "Nobody")):
        async with http.get(f"/analysis/{analysis_id}", headers={"Accept-Language": language}) as answer:
            (insight,) = (await answer.json())["comprehensive_insights"]
            assert said in insight["message"]


async def test_reading_never_starts_work(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    await world.arrives(analysis_id)
    before = (world.record(analysis_id), list(world.ingest.sent))
    for path in ("", "/status", "/overlay"):
        async with http.get(f"/analysis/{analysis_id}{path}", headers=NOW) as answer:
            assert answer.status in (200, 202)
    assert (world.record(analysis_id), world.ingest.sent) == before
    assert world.records.applied == []


async def test_a_failure_is_its_own_answer(http: Client, world: World) -> None:
    analysis_id = await world.queued(http, headers={"Accept-Language": "de"})
    await world.fails(analysis_id, ErrorCode.VIDEO_TOO_LONG, "601.3 s, bucket clips")
    async with http.get(f"/analysis/{analysis_id}") as answer:
        problem = await refused(answer, ErrorCode.VIDEO_TOO_LONG)
    assert problem.title == "Der Clip ist zu lang"  # the language of the upload, when the reader wishes none
    assert problem.technical_details["analysis_id"] == analysis_id
    assert "bucket" not in problem.model_dump_json()
    async with http.get(f"/analysis/{analysis_id}", headers={"Accept-Language": "en"}) as answer:
        assert (await refused(answer, ErrorCode.VIDEO_TOO_LONG)).title == "The clip is too long"


@pytest.mark.parametrize("code", list(ErrorCode))
async def test_every_failure_has_its_status(http: Client, world: World, code: ErrorCode) -> None:
    analysis_id = await world.queued(http)
    await world.fails(analysis_id, code)
    for path in (f"/analysis/{analysis_id}", f"/analysis/{analysis_id}/overlay"):
        async with http.get(path) as answer:
            await refused(answer, code)


async def test_an_expired_upload_is_a_failure(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    world.clock.advance(hours=2)
    async with http.get(f"/analysis/{analysis_id}", headers=NOW) as answer:
        await refused(answer, ErrorCode.UPLOAD_EXPIRED)


@pytest.mark.parametrize("path", ["/analysis/{}", "/analysis/{}/status", "/analysis/{}/overlay", "/videos/{}"])
@pytest.mark.parametrize("analysis_id", [UNKNOWN, "nonsense", "%0d%0aSet-Cookie:x", "..%2f..%2fetc"])
async def test_what_is_not_there(http: Client, path: str, analysis_id: str) -> None:
    async with http.get(path.format(analysis_id)) as answer:
        await refused(answer, ErrorCode.ANALYSIS_NOT_FOUND)
        assert "Set-Cookie" not in answer.headers


async def test_a_result_that_is_gone(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.completes(analysis_id)
    await world.objects.delete([world.record(analysis_id).result_key])
    for path in ("", "/overlay"):
        async with http.get(f"/analysis/{analysis_id}{path}") as answer:
            await refused(answer, ErrorCode.RESULT_MISSING)


async def test_a_result_that_nobody_can_read(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.completes(analysis_id)
    await world.objects.put(world.record(analysis_id).result_key, b"{}", content_type="application/json")
    async with http.get(f"/analysis/{analysis_id}") as answer:
        await refused(answer, ErrorCode.INTERNAL)


async def test_no_wait_answers_at_once(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    async with http.get(f"/analysis/{analysis_id}", headers=NOW) as answer:
        assert answer.status == 202
        assert answer.headers["Retry-After"] == "2"
        assert answer.headers["Location"] == f"/analysis/{analysis_id}/status"
        assert answer.headers["Preference-Applied"] == "wait=0"
        assert AnalysisStatus.model_validate(await answer.json()).status == "pending"


async def test_a_short_wait_ends(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    async with http.get(f"/analysis/{analysis_id}", headers={"Prefer": "wait=1"}) as answer:
        assert answer.status == 202
        assert answer.headers["Preference-Applied"] == "wait=1"
    assert http.app is not None
    assert http.app[WATCHES].under_way == 0


async def test_the_end_ends_the_wait(http: Client, world: World) -> None:
    """Without a Prefer header, as the old page asks."""
    analysis_id = await world.queued(http)
    asked = asyncio.ensure_future(http.get(f"/analysis/{analysis_id}"))
    await until_watched(http)
    assert not asked.done()
    await world.completes(analysis_id)
    async with await asked as answer:
        assert answer.status == 200


async def test_fifty_waiters_read_as_one(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    asked = [asyncio.ensure_future(http.get(f"/analysis/{analysis_id}")) for _ in range(50)]
    await until_watched(http)
    started, t0 = world.faults.count("records.get"), asyncio.get_running_loop().time()
    while world.faults.count("records.get") < started + 20:
        await passing(http)
    intervals = (asyncio.get_running_loop().time() - t0) / world.pace.watch_s
    await world.completes(analysis_id)
    for one in asked:
        async with await one as answer:
            assert answer.status == 200
    assert intervals + 2 >= 20, "one task looks once in an interval, however many wait"
    assert world.faults.count("objects.read") == 50


async def until_watched(http: Client, number: int = 1) -> None:
    assert http.app is not None
    while http.app[WATCHES].under_way != number:
        await passing(http)


async def passing(http: Client) -> None:
    """The time of one request."""
    async with http.get("/livez"):
        pass


async def test_the_last_waiter_ends_the_watch(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    asked = [asyncio.ensure_future(http.get(f"/analysis/{analysis_id}")) for _ in range(3)]
    await until_watched(http)
    for one in asked:
        one.cancel()
    await until_watched(http, 0)
    reads = world.faults.count("records.get")
    async with http.get("/livez"):
        pass
    assert world.faults.count("records.get") == reads


async def test_a_store_that_fails_fails_every_waiter(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    asked = [asyncio.ensure_future(http.get(f"/analysis/{analysis_id}")) for _ in range(3)]
    await until_watched(http)
    world.faults.broken("records.get", Failure(ErrorCode.STORE_UNAVAILABLE))
    for one in asked:
        async with await one as answer:
            await refused(answer, ErrorCode.STORE_UNAVAILABLE)
    world.faults.heal("records.get")
    async with http.get(f"/analysis/{analysis_id}", headers=NOW) as answer:
        assert answer.status == 202


async def test_a_shutdown_lets_waiters_go() -> None:
    world = World()
    async with world.serve() as http:
        analysis_id = await world.queued(http)
        asked = asyncio.ensure_future(http.get(f"/analysis/{analysis_id}"))
        await until_watched(http)
        assert http.app is not None
        http.app[WATCHES].close()
        async with await asked as answer:
            assert answer.status == 202
        async with http.get("/readyz") as answer:
            await refused(answer, ErrorCode.NOT_READY)


async def test_a_slow_store_answers_after_the_wait() -> None:
    world = World(pace=Pace(presence_s=0.02))
    async with world.serve() as http:
        analysis_id = await world.queued(http)
        world.faults.hang("records.get", world.faults.count("records.get") + 1)
        async with http.get(f"/analysis/{analysis_id}", headers={"Prefer": "wait=1"}) as answer:
            assert answer.status == 202


async def test_start_is_complete_by_another_name(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    asked = {"file_id": analysis_id, "sport_type": "climbing"}
    async with http.post("/analysis/start", json=asked) as answer:
        await refused(answer, ErrorCode.UPLOAD_MISSING)
    await world.arrives(analysis_id)
    async with http.post("/analysis/start", json=asked) as answer:
        assert (answer.status, await answer.json()) == (202, {"analysisId": analysis_id})
        assert answer.headers["Location"] == f"/analysis/{analysis_id}/status"
    assert world.record(analysis_id).sport_type == "climbing"
    assert world.jobs == [("ingest", analysis_id, 0)]
    async with http.post("/analysis/start", json={"file_id": UNKNOWN}) as answer:
        await refused(answer, ErrorCode.ANALYSIS_NOT_FOUND)
    async with http.post("/analysis/start", json={"file_id": analysis_id, "sport_type": "golf"}) as answer:
        await refused(answer, ErrorCode.INVALID_REQUEST)


async def test_retry_starts_a_failed_analysis_again(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.fails(analysis_id, ErrorCode.RETRIES_EXHAUSTED)
    async with http.post("/analysis/retry", json={"analysis_id": analysis_id}, headers=ADMIN) as answer:
        assert (answer.status, (await answer.json())["status"]) == (202, "queued")
    record = world.record(analysis_id)
    assert (record.status, record.epoch, record.error_code) == (Status.QUEUED, 1, None)
    assert world.jobs[-1] == ("ingest", analysis_id, 1)


async def test_a_retry_whose_message_was_lost_is_repaired_by_asking_again(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.fails(analysis_id, ErrorCode.RETRIES_EXHAUSTED)
    world.faults.broken("ingest.send", Failure(ErrorCode.QUEUE_UNAVAILABLE))
    async with http.post("/analysis/retry", json={"analysis_id": analysis_id}, headers=ADMIN) as answer:
        await refused(answer, ErrorCode.QUEUE_UNAVAILABLE)
    world.faults.heal("ingest.send")
    async with http.post("/analysis/retry", json={"analysis_id": analysis_id}, headers=ADMIN) as answer:
        assert answer.status == 202
    assert world.record(analysis_id).epoch == 1
    assert world.jobs[-1] == ("ingest", analysis_id, 1)


async def test_only_a_failed_analysis_is_retried(http: Client, world: World) -> None:
    queued, running, done, late = [await world.queued(http) for _ in range(3)] + [await world.began(http)]
    await world.works(running)
    await world.completes(done)
    await world.records.apply(late, expired(world.clock()))
    sent = len(world.ingest.sent)
    for analysis_id in (queued, running, done, late):
        async with http.post("/analysis/retry", json={"analysis_id": analysis_id}, headers=ADMIN) as answer:
            problem = await refused(answer, ErrorCode.NOT_RETRYABLE)
        assert problem.technical_details == {"status": world.record(analysis_id).status}
    assert len(world.ingest.sent) == sent
    async with http.post("/analysis/retry", json={"analysis_id": UNKNOWN}, headers=ADMIN) as answer:
        await refused(answer, ErrorCode.ANALYSIS_NOT_FOUND)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer \u00fc\u4e2d"},
        {"Authorization": f"Bearer {TOKEN}x"},
    ],
)
async def test_retry_is_for_operators(http: Client, headers: dict[str, str]) -> None:
    async with http.post("/analysis/retry", json={"analysis_id": UNKNOWN}, headers=headers) as answer:
        problem = await refused(answer, ErrorCode.UNAUTHENTICATED)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert TOKEN not in problem.model_dump_json()


async def test_retry_without_a_token_in_the_settings() -> None:
    world = World(settings=settings(ADMIN_TOKEN=""))
    async with world.serve() as http:
        for headers in ({}, ADMIN, {"Authorization": "Bearer "}):
            async with http.post("/analysis/retry", json={"analysis_id": UNKNOWN}, headers=headers) as answer:
                await refused(answer, ErrorCode.FORBIDDEN)


async def test_the_overlay(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    async with http.get(f"/analysis/{analysis_id}/overlay") as answer:
        early = Overlay.model_validate(await answer.json())
    assert (early.has_overlay, early.overlay_elements, early.route_info) == (False, (), None)
    await world.completes(analysis_id, measured(analysis_id, model=MODEL))
    async with http.get(f"/analysis/{analysis_id}/overlay") as answer:
        body = Overlay.model_validate(await answer.json())
    assert body.has_overlay
    assert body.video_dimensions is not None
    assert (body.video_dimensions.width, body.video_dimensions.height, body.total_duration) == (1080, 1920, 31.5)
    assert body.route_info is not None
    assert body.route_info.model_dump() == {"difficulty": "6a - 6b", "total_moves": 14, "overall_score": 72.5}
    kinds = [element["type"] for element in body.overlay_elements]
    assert kinds == ["ideal_route_line", "hold_marker", "hold_marker", "performance_marker", "performance_marker"]
    assert not [e for e in body.overlay_elements for name in ("x", "time", "time_start") if e.get(name, 1) == 0]


async def test_an_overlay_of_nothing_measured(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.completes(analysis_id, unmeasured(analysis_id))
    async with http.get(f"/analysis/{analysis_id}/overlay") as answer:
        body = Overlay.model_validate(await answer.json())
    assert (body.has_overlay, body.overlay_elements) == (False, ())
    assert body.route_info is not None
    assert set(body.route_info.model_dump().values()) == {None}


async def test_the_video(http: Client, world: World) -> None:
    analysis_id = await world.began(http)
    async with http.get(f"/videos/{analysis_id}") as answer:
        await refused(answer, ErrorCode.VIDEO_NOT_FOUND)
    await world.arrives(analysis_id)
    async with http.get(f"/videos/{analysis_id}") as answer:
        body = VideoAddress.model_validate(await answer.json())
    assert world.record(analysis_id).key in body.video_url
    assert (body.type, body.expires_in, body.content_type) == ("s3_presigned", 3600, "video/mp4")


async def test_a_bucket_that_is_away(http: Client, world: World) -> None:
    analysis_id = await world.queued(http)
    await world.completes(analysis_id)
    for method in ("objects.read", "objects.head"):
        world.faults.broken(method, Failure(ErrorCode.STORAGE_UNAVAILABLE, "endpoint http://10.0.0.1"))
    for path in (f"/analysis/{analysis_id}", f"/analysis/{analysis_id}/overlay", f"/videos/{analysis_id}"):
        async with http.get(path) as answer:
            problem = await refused(answer, ErrorCode.STORAGE_UNAVAILABLE)
            assert answer.headers["Retry-After"] == "5"
        assert "10.0.0.1" not in problem.model_dump_json()
