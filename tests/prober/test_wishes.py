"""POST /health/analysis-pipeline/run: operators want a probe now; however many want it, it is one."""

import asyncio
from typing import Any

from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.verdicts import Running
from tests.prober.examples import a_board
from tests.service.world import TOKEN, World, refused, settings

PATH = "/health/analysis-pipeline"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


async def test_a_wish_is_noted_once(world: World, http: TestClient[Any, Any]) -> None:
    async def ask() -> tuple[str, bool]:
        async with http.post(f"{PATH}/run", headers=ADMIN) as answer:
            assert answer.status == 202
            body = await answer.json()
            return body["run_id"], body["joined"]

    asked = await asyncio.gather(*(ask() for _ in range(50)))
    assert len({run_id for run_id, _ in asked}) == 1
    assert sum(not joined for _, joined in asked) == 1
    assert world.verdicts.held is not None
    assert world.verdicts.held.requested == asked[0][0]


async def test_a_run_under_way_is_joined(world: World, http: TestClient[Any, Any]) -> None:
    running = Running(run_id="abc", trigger="loop", started_at="2026-11-24T11:59:58.000Z")
    world.verdicts.held = a_board(running=running)
    async with http.post(f"{PATH}/run", headers=ADMIN) as answer:
        assert await answer.json() == {"run_id": "abc", "status": "running", "joined": True}
    world.clock.advance(minutes=10)
    async with http.post(f"{PATH}/run", headers=ADMIN) as answer:
        assert (await answer.json())["status"] == "requested", "a run that was killed is not waited for"


async def test_wishes_are_for_operators_and_not_too_often(world: World, http: TestClient[Any, Any]) -> None:
    async with http.post(f"{PATH}/run") as answer:
        await refused(answer, ErrorCode.UNAUTHENTICATED)
    async with http.post(f"{PATH}/run", headers=ADMIN) as answer:
        assert answer.status == 202
    world.verdicts.held = a_board(revision=9)
    async with http.post(f"{PATH}/run", headers=ADMIN) as answer:
        await refused(answer, ErrorCode.RATE_LIMITED)
        assert 1 <= int(answer.headers["Retry-After"]) <= 10
    world.settings = settings(ADMIN_TOKEN="")
    async with world.serve() as other, other.post(f"{PATH}/run", headers=ADMIN) as answer:
        await refused(answer, ErrorCode.FORBIDDEN)
