"""17: each accepted analysis ends in exactly one of completed and failed, within T, whatever becomes of its worker,
of its message and of the one who watches."""

import asyncio
import random
import signal
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.aws.clients import Clients
from core.aws.queue import SqsQueue
from core.aws.records import DynamoRecords
from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Job, Kind, decode
from core.ports import Delivery
from core.record import Record, Status, rfc3339
from core.settings import Settings
from core.transitions import Change, Conflict, completed, examined, progressed, released, renewed, sent
from tests.consumer.rig import House
from tests.consumer.yard import RULES, Yard
from tests.emulator import ROOT, environment
from tests.fakes import AN_ID, a_record
from tests.figure import Climber, drawn_climber
from tests.promises.processes import Worker, until, variables

ROUND_S = 30


async def test_the_last_try_is_marked_before_its_message_is_put_aside(house: House) -> None:
    """A process that dies in between leaves a failed record and a message, which is then put aside: never a message
    in the dead letters whose analysis still waits."""
    house.settings = house.settings.model_copy(update={"max_attempts": 1})
    house.decoder.failures["measure"] = Failure(ErrorCode.STORAGE_UNAVAILABLE, "test")
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(30)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)
    (letter,) = house.analysis_queue.dead
    assert (letter.reason or "").startswith("RETRIES_EXHAUSTED")
    calls = house.faults.calls
    marked = max(at for at, call in enumerate(calls) if call == "records.apply")
    assert marked < calls.index("analysis.dead_letter") < calls.index("analysis.delete")


class Chaos:
    """Clients, queues and workers that do their work or do not, as a seed says; only the reconciler tidies up."""

    def __init__(self, yard: Yard, seed: int) -> None:
        self.yard = yard
        self.chance = random.Random(seed)

    async def accept(self) -> str:
        analysis_id = str(uuid.UUID(int=self.chance.getrandbits(128)))
        await self.yard.queued(analysis_id, sent=False)
        if self.chance.random() < 0.7:
            await self._send("ingest", analysis_id)
        return analysis_id

    async def ingest(self) -> None:
        """Takes a message, and may die anywhere."""
        for delivery in await self.yard.ingest.receive(limit=1, wait_s=20, visibility_s=60):
            steps = self.chance.choice([1, 2, 3, 4, 4, 4, 4])
            await self._ingest(_analysis_id(delivery), steps)
            if steps == 4 or self.chance.random() < 0.2:
                # in the second case: purged, expired, or eaten
                await self.yard.ingest.delete([delivery.receipt])

    async def _ingest(self, analysis_id: str, steps: int) -> None:
        now = self.yard.clock.now()
        await self._apply(analysis_id, examined(now, etag="e", size=1, epoch=0))
        if steps > 1:
            await self._send("analysis", analysis_id)
        if steps > 2:
            await self._apply(analysis_id, sent(now, epoch=0))

    async def work(self) -> None:
        for delivery in await self.yard.analysis.receive(limit=1, wait_s=20, visibility_s=60):
            await self._attempt(_analysis_id(delivery), delivery.message_id, delivery.receive_count)
            if self.chance.random() < 0.7:
                await self.yard.analysis.delete([delivery.receipt])

    async def _attempt(self, analysis_id: str, message: str, receives: int) -> None:
        yard = self.yard
        record = yard.records.stored[analysis_id]
        if record.status is not Status.QUEUED or record.attempt >= RULES.max_attempts:
            return
        token = await yard.claim(analysis_id, f"{message}-{receives}")
        for _ in range(self.chance.randint(0, 6)):
            await asyncio.sleep(20)
            try:
                await yard.records.apply(analysis_id, renewed(token=token, until=yard.clock.now().timestamp() + 60))
                now = yard.clock.now()
                await yard.records.apply(analysis_id, progressed(now, token=token, stage="analyze", progress=50))
            except Conflict:
                return
        change = self.chance.choice(
            [completed(yard.clock.now(), token=token), released(yard.clock.now(), token=token, counts=False), None]
        )
        if change is not None:
            await self._apply(analysis_id, change)

    async def _apply(self, analysis_id: str, change: Change) -> None:
        try:
            await self.yard.records.apply(analysis_id, change)
        except Conflict:
            return

    async def _send(self, kind: Kind, analysis_id: str) -> None:
        queue = self.yard.ingest if kind == "ingest" else self.yard.analysis
        await queue.send(Job(kind=kind, analysis_id=analysis_id).body(), {})


def _analysis_id(delivery: Delivery) -> str:
    job = decode(delivery.body, {}).job
    assert job is not None
    return job.analysis_id


@asynccontextmanager
async def at_it(chaos: Chaos) -> AsyncIterator[None]:
    async def for_ever(name: str) -> None:
        while True:
            await (chaos.ingest() if name == "ingest" else chaos.work())
            await asyncio.sleep(1)

    tasks = [asyncio.create_task(for_ever(name)) for name in ("ingest", "work", "work")]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_happens_each_ends_once_and_within_its_time(seed: int) -> None:
    yard = Yard()
    chaos = Chaos(yard, seed)
    ids = [await chaos.accept() for _ in range(40)]
    async with at_it(chaos), yard.working("a", "b"):
        await asyncio.sleep(RULES.max_age_s + 2 * ROUND_S)
    ended = [yard.records.stored[analysis_id].status for analysis_id in ids]
    assert set(ended) == {Status.COMPLETED, Status.FAILED}, "the chaos is worth something, and nobody waits"
    finals = ("completed", "closed", "failed", "expired")
    counts = [sum(1 for who, change in yard.records.applied if who == one and change in finals) for one in ids]
    assert counts == [1] * len(ids)


# --- real processes ---------------------------------------------------------------------------------------------------

MAX_AGE_S = 60


@asynccontextmanager
async def worker(settings: Settings, folder: Path) -> AsyncIterator[Worker]:
    """`python -m consumer analysis`, the real one; it is killed at the end."""
    hurried = {
        "MAX_ATTEMPTS": "1",
        "VISIBILITY_S": "10",
        "POLL_WAIT_S": "1",
        "RECONCILE_S": "1",
        "MAX_AGE_S": str(MAX_AGE_S),
        "SCRATCH_DIR": str(folder),
    }
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "consumer",
        "analysis",
        cwd=ROOT,
        env=environment() | variables(settings) | hurried,
        stdout=asyncio.subprocess.PIPE,
    )
    running = Worker(child)
    listening = asyncio.create_task(running.listen())
    try:
        await running.says("consumer.started")
        yield running
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
        await listening


async def accepted(settings: Settings, clients: Clients, records: DynamoRecords, clip: Path) -> None:
    """As ingest leaves an analysis behind."""
    now = rfc3339(datetime.now(UTC))
    record = a_record()
    reply = await clients.s3.put_object(Bucket=settings.bucket, Key=record.clip_key, Body=clip.read_bytes())
    changes = {
        "status": Status.QUEUED,
        "created_at": now,
        "queued_at": now,
        "updated_at": now,
        "sent_at": now,
        "object_etag": reply["ETag"].strip('"'),
        "object_bytes": clip.stat().st_size,
    }
    await records.create(record.model_copy(update=changes))


@pytest.mark.real
@pytest.mark.timeout(120)
async def test_a_worker_killed_on_its_last_try_is_followed_by_the_end(
    aws: Settings, clients: Clients, queue: SqsQueue, tmp_path: Path
) -> None:
    """SIGKILL in the middle of the only try, and the message is gone with it: only the other worker's reconciler can
    end this analysis."""
    records, clip = DynamoRecords(clients.dynamodb, aws.table), tmp_path / "clip.mp4"
    drawn_climber(clip, Climber())
    await accepted(aws, clients, records, clip)
    async with worker(aws, tmp_path / "one") as one, worker(aws, tmp_path / "two") as two:
        await queue.send(Job(kind="analysis", analysis_id=AN_ID).body(), {})
        await until("one of them downloads", lambda: any(w.events("video.download.started") for w in (one, two)))
        victim, other = (one, two) if one.events("video.download.started") else (two, one)
        victim.signal(signal.SIGKILL)
        await victim.ended(within=5)
        url = (await clients.sqs.get_queue_url(QueueName=aws.analysis_queue))["QueueUrl"]
        await clients.sqs.purge_queue(QueueUrl=url)
        assert (await the_record(records)).status is Status.PROCESSING
        told = await other.says("reconciler.closed", within=MAX_AGE_S)
        record = await the_record(records)
    assert (record.status, record.error_code) == (Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)
    assert told["reason"] == "the worker died during try 1 of 1"
    assert other.events("analysis.failed")


async def the_record(records: DynamoRecords) -> Record:
    record = await records.get(AN_ID)
    assert record is not None
    return record
