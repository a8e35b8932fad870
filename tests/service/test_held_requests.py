"""GET /analysis/{id} while it runs: held up to 60 s, one watcher for all who wait, none when nobody does."""

import asyncio
from typing import Any

from aiohttp.test_utils import TestClient

from core.error_codes import ErrorCode
from core.failure import Failure
from service.answers import AnalysisStatus
from service.keys import WATCHES
from service.outside import Pace
from tests.service.world import TOKEN, World, refused

Client = TestClient[Any, Any]
NOW = {"Prefer": "wait=0"}
ADMIN = {"Authorization": f"Bearer {TOKEN}"}


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
