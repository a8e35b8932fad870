"""DELETE /analysis/{id}: operators remove what a probe made, whatever has become of it; a user's analysis stays."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Job
from tests.service.world import TOKEN, UNKNOWN, World, refused

ADMIN = {"Authorization": f"Bearer {TOKEN}"}
MARK = {"baggage": "user_agent.synthetic.type=test"}


async def delete(http: TestClient[Any, Any], analysis_id: str) -> tuple[int, dict[str, Any]]:
    async with http.delete(f"/analysis/{analysis_id}", headers=ADMIN) as answer:
        return answer.status, await answer.json()


async def test_a_user_s_analysis_stays(world: World, http: TestClient[Any, Any]) -> None:
    analysis_id = await world.queued(http)
    async with http.delete(f"/analysis/{analysis_id}", headers=ADMIN) as answer:
        await refused(answer, ErrorCode.FORBIDDEN)
    assert len(world.objects.stored) == 1


async def test_only_operators_remove(world: World, http: TestClient[Any, Any]) -> None:
    analysis_id = await world.queued(http, headers=MARK)
    async with http.delete(f"/analysis/{analysis_id}") as answer:
        await refused(answer, ErrorCode.UNAUTHENTICATED)
    for unknown in (UNKNOWN, "nonsense"):
        async with http.delete(f"/analysis/{unknown}", headers=ADMIN) as answer:
            await refused(answer, ErrorCode.ANALYSIS_NOT_FOUND)
    assert len(world.objects.stored) == 1


@pytest.mark.parametrize("stage", ["pending", "queued", "processing", "completed", "failed"])
async def test_from_every_state(world: World, http: TestClient[Any, Any], stage: str) -> None:
    """Objects go at once, readers find nothing; the record goes when no message of it can come any more."""
    analysis_id = await (world.began if stage == "pending" else world.queued)(http, headers=MARK)
    if stage == "processing":
        await world.works(analysis_id)
    if stage == "completed":
        await world.completes(analysis_id)
    if stage == "failed":
        await world.fails(analysis_id, ErrorCode.INTERNAL)
    status, body = await delete(http, analysis_id)
    objects = {"pending": 0, "completed": 2}.get(stage, 1)
    assert (status, body["objects"], body["first"], body["gone"]) == (202, objects, True, False)
    assert world.objects.stored == {}
    async with http.get(f"/analysis/{analysis_id}/status") as answer:
        await refused(answer, ErrorCode.ANALYSIS_NOT_FOUND)
    assert world.record(analysis_id).status.is_final

    world.clock.advance(seconds=1.5 * world.settings.visibility_s + 1)
    while letters := await world.ingest.receive(limit=10, wait_s=0, visibility_s=60):
        # whoever takes a message that is late finds the record at its end
        await world.ingest.delete([letter.receipt for letter in letters])
    status, body = await delete(http, analysis_id)
    assert (status, body["objects"], body["first"], body["gone"]) == (200, 0, False, True)
    assert analysis_id not in world.records.stored


async def test_a_record_stays_while_messages_wait(world: World, http: TestClient[Any, Any]) -> None:
    analysis_id = await world.queued(http, headers=MARK)
    await world.completes(analysis_id)
    world.clock.advance(hours=1)
    job = Job(kind="analysis", analysis_id=analysis_id, synthetic=True)
    await world.analysis.send(job.body(), job.attributes())
    assert (await delete(http, analysis_id))[1]["gone"] is False
    assert analysis_id in world.records.stored


async def test_what_cannot_be_removed_is_said(world: World, http: TestClient[Any, Any]) -> None:
    analysis_id = await world.queued(http, headers=MARK)
    world.faults.at("leavings.remove_objects", 1, Failure(ErrorCode.STORAGE_UNAVAILABLE))
    async with http.delete(f"/analysis/{analysis_id}", headers=ADMIN) as answer:
        await refused(answer, ErrorCode.STORAGE_UNAVAILABLE)
    assert (await delete(http, analysis_id))[1]["objects"] == 1
