"""The reconciler's rules, its leadership, and its rounds over the fakes, on a virtual clock."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from consumer.reconciler import POST
from consumer.reconciling.rules import Resend, about_queued
from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import decode
from core.ports import Term
from core.record import Record, Status, rfc3339
from core.transitions import completed, renewed
from tests.consumer.yard import RULES, Yard
from tests.fakes import AN_ID, MOMENT, a_record
from tests.fakes.objects import StoredObject

ANOTHER = "1f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture
async def yard() -> Yard:
    return Yard()


async def test_a_worker_killed_on_its_last_try_ends_the_analysis(yard: Yard) -> None:
    await yard.queued(attempt=2)
    await yard.claim()
    with capture_logs() as logs:
        async with yard.working():
            await asyncio.sleep(59)
            assert yard.record.status is Status.PROCESSING
            await asyncio.sleep(62)
    assert (yard.record.status, yard.record.error_code) == (Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)
    assert yard.record.attempt == 3
    assert [line["event"] for line in logs if line["event"].startswith(("reconciler.closed", "analysis."))] == [
        "reconciler.closed",
        "analysis.failed",
    ]


async def test_a_worker_killed_before_leaves_the_analysis_queued_again(yard: Yard) -> None:
    await yard.queued()
    token = await yard.claim()
    async with yard.working():
        await asyncio.sleep(121)
        assert (yard.record.status, yard.record.stage, yard.record.attempt) == (Status.QUEUED, "queue", 1)
        assert yard.record.lease_token > token
        assert yard.analysis.sent == []
        await asyncio.sleep(640)
    (sent,) = yard.analysis.sent
    job = decode(sent.body, dict(sent.attributes)).job
    assert job is not None
    assert (job.kind, job.analysis_id, job.traceparent) == ("analysis", AN_ID, yard.record.traceparent)


async def test_a_holder_that_lives_keeps_its_lease_whatever_its_clock_says(yard: Yard) -> None:
    """`lease_until` long past: the leader's clock is hours ahead of the holder's."""
    await yard.queued(attempt=2)
    token = await yard.claim()
    async with yard.working():
        for _ in range(40):
            await asyncio.sleep(20)
            await yard.records.apply(AN_ID, renewed(token=token, until=5.0))
    assert yard.record.status is Status.PROCESSING
    await yard.records.apply(AN_ID, completed(MOMENT, token=token))


async def test_time_is_up_for_a_holder_that_never_ends(yard: Yard) -> None:
    await yard.queued()
    token = await yard.claim()
    async with yard.working():
        for _ in range(182):
            await asyncio.sleep(20)
            if yard.record.status is Status.PROCESSING:
                await yard.records.apply(AN_ID, renewed(token=token, until=yard.clock.now().timestamp() + 60))
    assert (yard.record.status, yard.record.error_code) == (Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)


async def test_what_was_recorded_and_never_queued_is_sent(yard: Yard) -> None:
    await yard.queued(sent=False)
    async with yard.working():
        await asyncio.sleep(599)
        assert yard.ingest.sent == []
        await asyncio.sleep(32)
        assert len(yard.ingest.sent) == 1
        # and not again with every round
        await asyncio.sleep(500)
    assert len(yard.ingest.sent) == 1
    assert yard.analysis.sent == []


async def test_a_throttled_send_is_sent_in_the_next_round(yard: Yard) -> None:
    yard.faults.at("ingest.send", 1, Failure(ErrorCode.QUEUE_UNAVAILABLE, "throttled"))
    await yard.queued(sent=False)
    async with yard.working():
        await asyncio.sleep(661)
    assert len(yard.ingest.sent) == 1


async def test_what_waits_for_its_turn_is_not_sent_twice(yard: Yard) -> None:
    for number in range(150):
        record = await yard.queued(f"{number:08x}-d9cb-469f-a165-70867728950e")
        await yard.analysis.send("waiting", {})
    await yard.queued(sent=False, analysis_id=AN_ID)
    async with yard.working():
        await asyncio.sleep(1300)
    assert len(yard.analysis.sent) == 150
    # and hides nothing that is behind it
    assert len(yard.ingest.sent) == 1
    assert record.status is Status.QUEUED


async def test_nothing_gets_older_than_its_age(yard: Yard) -> None:
    await yard.queued()
    await yard.queued(ANOTHER, sent=False)
    yard.faults.broken("analysis.depth", Failure(ErrorCode.QUEUE_UNAVAILABLE, "away"))
    yard.faults.broken("ingest.send", Failure(ErrorCode.QUEUE_UNAVAILABLE, "away"))
    async with yard.working():
        await asyncio.sleep(3631)
    ends = {(record.status, record.error_code) for record in yard.records.stored.values()}
    assert ends == {(Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)}


async def test_an_upload_that_never_came_expires(yard: Yard) -> None:
    await yard.put()
    with capture_logs() as logs:
        async with yard.working():
            await asyncio.sleep(5390)
            assert yard.record.status is Status.PENDING_UPLOAD
            await asyncio.sleep(41)
    assert yard.record.status is Status.EXPIRED
    assert [line["event"] for line in logs].count("reconciler.expired") == 1


async def test_an_upload_that_nobody_told_of_is_ingested(yard: Yard) -> None:
    record = await yard.put()
    yard.objects.stored[record.key] = StoredObject(body=b"x", content_type="video/mp4")
    async with yard.working():
        await asyncio.sleep(5431)
    assert yard.record.status is Status.PENDING_UPLOAD
    assert len(yard.ingest.sent) == 1


async def test_of_many_workers_one_acts(yard: Yard) -> None:
    await yard.queued(sent=False)
    async with yard.working("a", "b", "c", "d"):
        await asyncio.sleep(2000)
    # the one that waits is enough
    assert len(yard.ingest.sent) == 1
    assert {term.token for term in yard.posts.swaps} == {1}


async def test_a_leader_that_dies_is_followed(yard: Yard) -> None:
    dead = yard.reconciler("dead")
    await dead.round()
    async with yard.working("next"):
        await asyncio.sleep(89)
        assert yard.posts.held[POST].holder == "dead"
        await asyncio.sleep(32)
        assert (yard.posts.held[POST].holder, yard.posts.held[POST].token) == ("next", 2)
    # it resigned at its end: the one after it need not wait
    assert yard.posts.held[POST].holder == ""
    assert await yard.reconciler("third").leadership.keep()


async def test_a_leader_that_slept_through_its_term_does_nothing(yard: Yard) -> None:
    await yard.queued(sent=False)
    await asyncio.sleep(700)
    sleeper = yard.reconciler("sleeper")
    await sleeper.leadership.keep()
    await asyncio.sleep(95)
    assert not sleeper.leadership.holds
    yard.posts.held[POST] = Term(holder="next", token=2, beat=0)
    await sleeper.round()
    assert yard.ingest.sent == []


async def test_a_beat_whose_reply_was_lost_costs_no_term(yard: Yard) -> None:
    leader = yard.reconciler("a")
    assert await leader.leadership.keep()
    yard.faults.after("posts.swap", 2, Failure(ErrorCode.STORE_UNAVAILABLE, "lost"))
    with pytest.raises(Failure):
        await leader.leadership.keep()
    assert await leader.leadership.keep()


async def test_one_broken_record_stops_nobody_else(yard: Yard) -> None:
    await yard.queued(attempt=2)
    await yard.claim()
    await yard.queued(ANOTHER, attempt=2)
    await yard.claim(ANOTHER)
    await asyncio.sleep(1)
    yard.faults.at("records.apply", 3, KeyError("test"))
    with capture_logs():
        async with yard.working():
            await asyncio.sleep(200)
    assert {record.status for record in yard.records.stored.values()} == {Status.FAILED}


async def test_a_store_that_is_away_ends_nothing(yard: Yard) -> None:
    await yard.queued(sent=False)
    yard.faults.broken("posts.swap", Failure(ErrorCode.STORE_UNAVAILABLE, "away"))
    async with yard.working():
        await asyncio.sleep(700)
        yard.faults.heal("posts.swap")
        await asyncio.sleep(31)
    assert len(yard.ingest.sent) == 1


async def test_the_leader_tells_how_many_dead_letters_there_are(yard: Yard) -> None:
    leader, other = yard.reconciler("a"), yard.reconciler("b")
    with capture_logs() as logs:
        await leader.round()
        await other.round()
        assert (leader.depths, other.depths) == ({"analysis-dlq": 0}, {})
        await yard.dead.send("x", {})
        await leader.round()
        await leader.round()
    assert leader.depths == {"analysis-dlq": 1}
    assert [line["depth"] for line in logs if line["event"] == "dead_letters.arrived"] == [1]


@given(
    ages=st.lists(st.integers(0, 3000), max_size=30),
    depth=st.integers(0, 40),
)
def test_never_more_messages_than_records(ages: list[int], depth: int) -> None:
    def of(age: int) -> Record:
        at = rfc3339(MOMENT - timedelta(seconds=age))
        return a_record(status=Status.QUEUED, queued_at=at, updated_at=at, sent_at=at)

    records = [of(age) for age in sorted(ages, reverse=True)]
    acts = about_queued(records, now=MOMENT, ingest_depth=0, analysis_depth=depth, rules=RULES)
    assert len(acts) + depth <= max(len(records), depth)
    assert all(isinstance(act, Resend) and act.kind == "analysis" for act in acts)
