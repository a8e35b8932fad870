"""19, at the command line and on the emulator: `performate dlq` as an operator types it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest

from core.aws.clients import Clients
from core.aws.posts import DynamoBreakers
from core.aws.queue import SqsQueue, dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.messages import Job
from core.ports import VISION_MODEL
from core.record import Status
from core.settings import Settings
from tests.fakes import MOMENT
from tests.ops.commands import Answer, performate
from tests.promises.test_19_dead_letters import TRACE, an_id, failed_record


async def dlq(settings: Settings, *argv: str, typed: str = "") -> Answer:
    return await performate(settings, "dlq", *argv, typed=typed.encode())


@dataclass(frozen=True, kw_only=True)
class Outside:
    settings: Settings
    records: DynamoRecords
    breakers: DynamoBreakers
    ingest: SqsQueue
    dead: SqsQueue


@pytest.fixture
async def outside(aws: Settings, clients: Clients) -> Outside:
    return Outside(
        settings=aws,
        records=DynamoRecords(clients.dynamodb, aws.table),
        breakers=DynamoBreakers(clients.dynamodb, aws.table),
        ingest=await open_queue(clients, aws.ingest_queue),
        dead=await open_queue(clients, dead_letter_name(aws.analysis_queue)),
    )


async def fill(outside: Outside, numbers: Sequence[int], *, status: Status = Status.FAILED) -> None:
    for number in numbers:
        await outside.records.create(failed_record(an_id(number), status=status))
        job = Job(kind="analysis", analysis_id=an_id(number), traceparent=TRACE)
        await outside.dead.send(job.body(), job.attributes() | {"reason": "RETRIES_EXHAUSTED: test"})


@pytest.mark.real
async def test_the_command_line_lists_shows_and_sends_again(outside: Outside) -> None:
    settings = outside.settings
    await fill(outside, range(3))
    await fill(outside, [3], status=Status.COMPLETED)
    listed = await dlq(settings, "ls")
    assert (listed.code, len(listed.out.splitlines()), listed.err) == (0, 5, "4 dead letters\n")
    assert listed.out.split()[:3] == ["QUEUE", "MESSAGE", "AGE"]
    shown, missing, refused = await asyncio.gather(
        dlq(settings, "show", an_id(0), "--json", "--queue", "analysis"),
        dlq(settings, "show", an_id(0), "--queue", "ingest"),
        dlq(settings, "redrive"),
    )
    assert (missing.code, refused.code) == (1, 2)
    (letter,) = shown.lines
    assert (letter["code"], letter["records"][0]["status"]) == ("RETRIES_EXHAUSTED", "failed")
    assert "climb.mp4" not in shown.out
    done = await dlq(settings, "redrive", "--queue", "analysis", "--rate", "50", "--json")
    assert (done.code, sorted(line["did"] for line in done.lines)) == (0, ["redriven"] * 3 + ["skipped"])
    assert "3 redriven" in done.err
    assert await outside.dead.depth() == 1
    record = await outside.records.get(an_id(0))
    assert record is not None
    assert (record.status, record.epoch) == (Status.QUEUED, 1)
    found = await outside.ingest.receive(limit=10, wait_s=1, visibility_s=60)
    # S3's test event lies there as well
    assert [dict(delivery.attributes) for delivery in found if '"kind"' in delivery.body] == [
        {"traceparent": TRACE}
    ] * 3


@pytest.mark.real
async def test_the_command_line_deletes_only_what_was_confirmed(outside: Outside) -> None:
    settings = outside.settings
    await fill(outside, range(2))
    await outside.breakers.opened(VISION_MODEL, until=MOMENT + timedelta(days=10_000))
    unconfirmed = await dlq(settings, "purge", "--queue", "analysis", typed="yes\n")
    assert (unconfirmed.code, await outside.dead.depth()) == (3, 2)
    assert "nothing was deleted" in unconfirmed.err
    old, refused = await asyncio.gather(
        dlq(settings, "purge", "--queue", "analysis", "--older-than", "1h", "--yes"),
        dlq(settings, "redrive", "--queue", "analysis"),
    )
    assert (old.code, refused.code, await outside.dead.depth()) == (0, 3, 2)
    assert refused.err.startswith("refused: the breaker vision-model is open")
    typed = await dlq(settings, "purge", "--queue", "analysis", "--id", an_id(0), typed="analysis\n")
    assert (typed.code, await outside.dead.depth()) == (0, 1)
