"""POST /analysis/start and /analysis/retry."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status
from core.transitions import expired
from tests.service.world import TOKEN, UNKNOWN, World, refused, settings

Client = TestClient[Any, Any]
NOW = {"Prefer": "wait=0"}
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


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
