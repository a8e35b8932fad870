"""GET /analysis/{id} and what belongs to it: status, result, failure, waiting, start, retry, overlay, video."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.transitions import expired, released
from service.analysis_result import AnalysisResult
from service.answers import AnalysisStatus, VideoAddress
from service.overlays import Overlay
from tests.service.sample import MODEL, measured, unmeasured
from tests.service.world import TOKEN, UNKNOWN, World, refused

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
    assert [point.scene for point in body.camera_path] == [0]


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
        await refused(answer, ErrorCode.RESULT_MISSING)


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
    (skeleton,) = body.skeletons
    assert (skeleton["frame_id"], skeleton["time"]) == ("end", 25.0)
    assert skeleton["joints"] == {"left_hip": {"x": 540.0, "y": 960.0, "confidence": 0.9}}
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
    record = world.record(analysis_id)
    assert record.key in body.video_url
    world.objects.stored[record.clip_key] = world.objects.stored.pop(record.key)
    async with http.get(f"/videos/{analysis_id}") as answer:
        assert record.clip_key in VideoAddress.model_validate(await answer.json()).video_url
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
