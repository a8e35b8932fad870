"""18: queued -> stage and percent -> done, in the record at most once a second and on each change of the stage, and
readable over the API within a second of the change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from consumer.engine.clock import SystemClock
from consumer.lease import Lease, Leases, Sightings
from consumer.progress import Progress
from consumer.stages.stage import Bench, Case, Stage
from core.aws.clients import Clients
from core.aws.records import DynamoRecords
from core.ports import Delivery
from core.record import Record, Status, rfc3339
from core.settings import Settings
from core.transitions import completed, uploaded
from tests.consumer.rig import House
from tests.fakes import AN_ID, MOMENT, a_record
from tests.service.test_process import serving


def stage(name: str, *reports: tuple[float, float], silent_s: float = 3) -> Stage:
    """Reports a fraction after so many seconds each time, then takes so many more seconds without a word."""

    async def run(bench: Bench, case: Case) -> Case:
        for seconds, fraction in reports:
            await asyncio.sleep(seconds)
            await bench.report(fraction)
        await asyncio.sleep(silent_s)
        return case

    return Stage(name=name, limit_s=lambda settings: 100, share=50, run=run)


async def store(bench: Bench, case: Case) -> Case:
    await bench.lease.write(completed(MOMENT, token=bench.lease.token))
    return case


STORE = Stage(name="store", limit_s=lambda settings: 100, share=0, run=store)


@asynccontextmanager
async def watched(house: House, *stages: Stage) -> AsyncIterator[list[tuple[float, str | None, int]]]:
    """When (seconds) which stage and percent first stood in the record."""
    house.stages = (*stages, STORE)
    await house.ready()
    await house.ask()
    seen: list[tuple[float, str | None, int]] = []
    loop = asyncio.get_running_loop()
    started = loop.time()

    async def look() -> None:
        while True:
            record = house.record
            if not seen or seen[-1][1:] != (record.stage, record.progress):
                seen.append((round(loop.time() - started, 2), record.stage, record.progress))
            await asyncio.sleep(0.01)

    looking = asyncio.create_task(look())
    async with house.analysing():
        yield seen
    looking.cancel()


async def test_every_change_stands_in_the_record_within_a_second(house: House) -> None:
    """The report at 0.3 s comes too soon after the stage's first write, and nothing follows it for three seconds."""
    async with watched(house, stage("one", (0.3, 0.5)), stage("two", (0.2, 0.1), (0.2, 0.2), (0.2, 0.3))) as seen:
        await asyncio.sleep(10)
    assert seen[0][1:] in [("queue", 0), (None, 0), ("one", 0)]
    assert [(name, percent) for _, name, percent in seen if name == "one"] == [("one", 0), ("one", 25)]
    assert [(name, percent) for _, name, percent in seen if name == "two"] == [("two", 50), ("two", 65)]
    at = {(name, percent): when for when, name, percent in seen}
    assert 0 < at["one", 25] - 0.3 <= 1.0
    assert 0 < at["two", 65] - at["two", 50] <= 0.6 + 1.0
    assert seen[-1][1:] == ("done", 100)
    assert house.record.status is Status.COMPLETED


async def test_a_flood_of_reports_is_one_write_a_second(house: House) -> None:
    flood = stage("one", *((0.01, number / 2000) for number in range(2000)))
    async with watched(house, flood) as seen:
        await asyncio.sleep(30)
    writes = [change for _, change in house.records.applied].count("progressed")
    assert 20 <= writes <= 26
    times = [when for when, name, _ in seen if name == "one"]
    assert all(later - earlier >= 0.99 for earlier, later in pairwise(times))


async def test_what_one_stage_put_off_is_not_said_of_the_next(house: House) -> None:
    async with watched(house, stage("one", (0.3, 0.9), silent_s=0), stage("two")) as seen:
        await asyncio.sleep(12)
    assert [(name, percent) for _, name, percent in seen if name == "two"] == [("two", 50)]


@pytest.mark.real
async def test_readers_see_it_over_http_within_a_second(aws: Settings, clients: Clients) -> None:
    """The real service beside a real worker's lease and progress, on the emulator."""
    records, clock = DynamoRecords(clients.dynamodb, aws.table), SystemClock()
    now = clock.now()
    await records.create(a_record(created_at=rfc3339(now), expires_at=int(now.timestamp()) + 3600))
    stages = [stage(name) for name in ("download", "analyze")]
    async with serving(aws) as (_, http):
        assert (await status(http))["status"] == "pending"
        await records.apply(AN_ID, uploaded(clock.now()))
        assert (await status(http))["stage"] == "queue"
        lease = await leased(records, clock)
        progress = Progress(lease=lease, clock=clock, stages=stages)
        await progress.enter(stages[0])
        await seen(http, clock, status="processing", stage="download", progress=0)
        await progress.report(0.5)
        await seen(http, clock, stage="download", progress=25)
        await progress.enter(stages[1])
        await seen(http, clock, stage="analyze", progress=50)
        await lease.write(completed(clock.now(), token=lease.token))
        await seen(http, clock, status="completed", stage="done", progress=100)
        await progress.close()


async def leased(records: DynamoRecords, clock: SystemClock) -> Lease:
    leases = Leases(records=records, clock=clock, owner="w", seconds=60, sightings=Sightings())
    delivery = Delivery(message_id="m", receipt="r", body="", receive_count=1)
    found = await leases.take(AN_ID, epoch=0, delivery=delivery)
    assert not isinstance(found, Record)
    return found


async def status(http: aiohttp.ClientSession) -> dict[str, Any]:
    async with http.get(f"/analysis/{AN_ID}/status") as answer:
        assert answer.status == 200
        body: dict[str, Any] = await answer.json()
        return body


async def seen(http: aiohttp.ClientSession, clock: SystemClock, **wanted: object) -> None:
    """Readers that ask again and again see this within a second (and a call) from now."""
    async with clock.timeout(1.2):
        while not wanted.items() <= (await status(http)).items():
            await clock.sleep(0.02)
