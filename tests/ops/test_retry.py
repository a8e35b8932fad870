"""`performate retry`: a failed analysis again; sent before anything is removed, and asked twice it does no harm."""

import asyncio
from datetime import timedelta

import pytest

from core.aws.clients import Clients
from core.aws.objects import S3Objects
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Job, decode
from core.ports import VISION_MODEL
from core.record import Status
from core.settings import Settings
from ops.dead_letters.work import BreakerIsOpen
from ops.retrying import Tried, refusal, try_again
from tests.fakes import AN_ID, FakeObjects, a_record
from tests.ops.commands import performate
from tests.promises.test_19_dead_letters import AWAY, TRACE, Yard, failed_record


class Stand(Yard):
    """With a bucket that holds the clip."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.objects = FakeObjects(self.faults)

    async def holds(self, *, letters: int = 0) -> None:
        await self.records.create(failed_record())
        await self.objects.put(failed_record().clip_key, b"clip", content_type="video/mp4")
        for _ in range(letters):
            job = Job(kind="analysis", analysis_id=AN_ID, traceparent=TRACE)
            await self.dead["analysis"].send(job.body(), job.attributes() | {"reason": "RETRIES_EXHAUSTED: test"})

    async def retry(self, *, dry_run: bool = False) -> Tried:
        return await try_again(self.place, self.objects, AN_ID, dry_run=dry_run)


async def test_it_is_reopened_sent_and_its_letters_go() -> None:
    stand = Stand()
    await stand.holds(letters=2)
    assert await stand.retry() == Tried(did="queued", epoch=1, letters=2)
    record = await stand.records.get(AN_ID)
    assert record is not None
    assert (record.status, record.epoch, record.attempt) == (Status.QUEUED, 1, 0)
    [sent] = stand.queues["ingest"].sent
    envelope = decode(sent.body, dict(sent.attributes))
    assert envelope.job == Job(kind="ingest", analysis_id=AN_ID, epoch=1, traceparent=TRACE)
    assert await stand.dead["analysis"].depth() == 0


async def test_a_dry_run_does_nothing() -> None:
    stand = Stand()
    await stand.holds(letters=1)
    before = await stand.records.get(AN_ID)
    assert await stand.retry(dry_run=True) == Tried(did="would_queue", epoch=1, letters=1)
    assert await stand.records.get(AN_ID) == before
    assert (stand.queues["ingest"].sent, await stand.dead["analysis"].depth()) == ([], 1)


async def test_a_message_that_could_not_be_sent_is_sent_by_the_next_try() -> None:
    stand = Stand()
    await stand.holds(letters=1)
    stand.faults.broken("ingest.send", AWAY)
    with pytest.raises(Failure, match="QUEUE_UNAVAILABLE"):
        await stand.retry()
    # nothing is lost: the letter is still there
    assert await stand.dead["analysis"].depth() == 1
    stand.faults.heal("ingest.send")
    assert await stand.retry() == Tried(did="queued", epoch=1, letters=1)
    assert len(stand.queues["ingest"].sent) == 1


async def test_it_is_refused_while_the_breaker_is_open() -> None:
    stand = Stand()
    await stand.holds()
    await stand.breakers.opened(VISION_MODEL, until=stand.place.now() + timedelta(minutes=1))
    with pytest.raises(BreakerIsOpen):
        await stand.retry()
    record = await stand.records.get(AN_ID)
    assert record is not None
    assert record.status is Status.FAILED


async def test_without_its_clip_it_would_fail_again() -> None:
    stand = Stand()
    await stand.records.create(failed_record())
    assert (await stand.retry()).why == "its clip is not in the bucket any more"


async def test_one_that_is_not_there() -> None:
    assert (await Stand().retry()).did == "not_found"


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.FAILED])
def test_only_what_failed_is_tried_again(status: Status) -> None:
    assert refusal(a_record(status=status), clip=True) is not None


def test_a_retry_whose_message_nobody_saw_is_sent_again() -> None:
    assert refusal(a_record(status=Status.QUEUED, epoch=1), clip=True) is None
    assert refusal(a_record(status=Status.QUEUED, epoch=1, object_etag="e"), clip=True) is not None


@pytest.mark.timeout(120)
async def test_at_the_command_line(aws: Settings, clients: Clients) -> None:
    records = DynamoRecords(clients.dynamodb, aws.table)
    failed = a_record(status=Status.FAILED, error_code=ErrorCode.RETRIES_EXHAUSTED)
    await records.create(failed)
    await S3Objects(clients.s3, aws.bucket).put(failed.clip_key, b"clip", content_type="video/mp4")
    dead = await open_queue(clients, dead_letter_name(aws.analysis_queue))
    await dead.send(Job(kind="analysis", analysis_id=AN_ID).body(), {"reason": "RETRIES_EXHAUSTED: test"})
    dry, missing, wrong = await asyncio.gather(
        performate(aws, "retry", AN_ID, "--dry-run"),
        performate(aws, "retry", AN_ID.replace("0", "1")),
        performate(aws, "retry", "climb.mp4"),
    )
    assert (dry.code, missing.code, wrong.code) == (0, 1, 2), dry.err
    assert dry.out.startswith("would queue")
    done = await performate(aws, "retry", AN_ID, "--json")
    assert (done.code, done.json["did"], done.json["epoch"], done.json["letters"]) == (0, "queued", 1, 1)
    record = await records.get(AN_ID)
    assert record is not None
    assert (record.status, record.epoch) == (Status.QUEUED, 1)
    assert await dead.depth() == 0
