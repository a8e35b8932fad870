"""19: the dead letters can be worked with: looked at without being eaten, sent again without being lost, deleted only
when somebody has said so; the first arrival is told of."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Job, Kind
from core.ports import VISION_MODEL
from core.record import Record, Status
from ops.dead_letters.browsing import HOLD_S
from ops.dead_letters.letter import Wish
from ops.dead_letters.work import BreakerIsOpen, Outcome, Pace, Place
from tests.fakes import AN_ID, MOMENT, FakeBreakers, FakeQueue, FakeRecords, Faults, a_record

TRACE = a_record().traceparent
ALL = Pace(limit=1000)
AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


def an_id(number: int) -> str:
    return f"{number:08x}-d9cb-469f-a165-70867728950e"


def failed_record(analysis_id: str = AN_ID, **fields: Any) -> Record:
    found = {"error_code": ErrorCode.RETRIES_EXHAUSTED, "object_etag": "e", "sent_at": "t", "attempt": 3}
    return a_record(analysis_id, **{"status": Status.FAILED, **found, **fields})


@dataclass(kw_only=True)
class Yard:
    """An installation in memory, and a place to work at it."""

    faults: Faults = field(default_factory=Faults)
    told: list[Outcome] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.records = FakeRecords(self.faults)
        self.breakers = FakeBreakers(self.faults)
        self.queues = {kind: FakeQueue(kind, faults=self.faults) for kind in ("ingest", "analysis")}
        self.dead = {
            kind: FakeQueue(f"{kind}-dlq", faults=self.faults, redrive_after=None) for kind in ("ingest", "analysis")
        }

    @property
    def place(self) -> Place:
        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            await asyncio.sleep(seconds)

        return Place(
            queues=dict(self.queues),  # type: ignore[arg-type]  # the keys are kinds
            dead=dict(self.dead),  # type: ignore[arg-type]  # the keys are kinds
            records=self.records,
            breakers=self.breakers,
            now=lambda: MOMENT,
            pause=pause,
        )

    async def letter(
        self, analysis_id: str = AN_ID, *, kind: Kind = "analysis", code: str = "RETRIES_EXHAUSTED"
    ) -> None:
        job = Job(kind=kind, analysis_id=analysis_id, traceparent=TRACE)
        await self.dead[kind].send(job.body(), job.attributes() | {"reason": f"{code}: test"})

    async def redrive(self, pace: Pace = ALL, wish: Wish | None = None) -> list[Outcome]:
        told: list[Outcome] = []
        await self.place.redrive("analysis", wish or Wish(), pace, told.append)
        return told

    async def visible(self, kind: str = "analysis") -> int:
        return await self.dead[kind].depth()


async def test_looking_eats_nothing() -> None:
    yard = Yard()
    for number in range(25):
        await yard.letter(an_id(number))
    letters = await yard.place.found(["ingest", "analysis"], Wish(), limit=1000)
    assert len({letter.message_id for letter in letters}) == 25
    assert (await yard.visible(), yard.dead["analysis"].deleted) == (25, [])
    # said in the help: a look is a receive
    again = await yard.place.found(["analysis"], Wish(), limit=3)
    assert [letter.delivery.receive_count for letter in again] == [2, 2, 2]
    assert await yard.visible() == 25


async def test_a_redrive_resets_the_record_and_keeps_the_trace() -> None:
    yard = Yard()
    await yard.records.create(failed_record())
    await yard.letter()
    (outcome,) = await yard.redrive()
    assert outcome.did == "redriven"
    record = yard.records.stored[AN_ID]
    assert (record.status, record.epoch, record.attempt, record.error_code) == (Status.QUEUED, 1, 0, None)
    assert (record.object_etag, record.sent_at, record.progress, record.stage) == (None, None, 0, "queue")
    (sent,) = yard.queues["ingest"].sent
    assert json.loads(sent.body) == {"v": 1, "kind": "ingest", "analysis_id": AN_ID, "epoch": 1}
    assert sent.attributes == {"traceparent": TRACE}
    assert (yard.queues["analysis"].sent, yard.dead["analysis"].bodies) == ([], [])


async def test_wherever_a_redrive_dies_nothing_is_lost_and_the_next_one_ends_it() -> None:
    """A fault before and after the effect of each call of all; then once more without one."""
    model = Yard()
    await model.records.create(failed_record())
    await model.letter()
    before = len(model.faults.calls)
    await model.redrive()
    calls = model.faults.calls[before:]
    assert calls.index("records.apply") < calls.index("ingest.send") < calls.index("analysis-dlq.delete")
    tried = 0
    for at, name in enumerate(calls):
        for when in ("before", "after"):
            yard = Yard()
            await yard.records.create(failed_record())
            await yard.letter()
            count = yard.faults.count(name) + calls[: at + 1].count(name)
            (yard.faults.at if when == "before" else yard.faults.after)(name, count, AWAY)
            try:
                await yard.redrive()
            except Failure:
                left = len(yard.dead["analysis"].bodies) + len(yard.queues["ingest"].bodies)
                assert left >= 1, (name, when)
                # what a lost reply handed out shows itself by then
                await asyncio.sleep(HOLD_S + 1)
                await yard.redrive()
            record = yard.records.stored[AN_ID]
            assert (record.status, record.epoch, yard.dead["analysis"].bodies) == (Status.QUEUED, 1, []), (name, when)
            assert 1 <= len(yard.queues["ingest"].sent) <= 2
            tried += 1
    assert tried >= 14


async def test_what_is_completed_or_in_work_stays_and_is_named() -> None:
    yard = Yard()
    ends = [Status.COMPLETED, Status.PROCESSING, Status.FAILED]
    for number, status in enumerate(ends):
        await yard.records.create(failed_record(an_id(number), status=status))
        await yard.letter(an_id(number))
    await yard.letter(an_id(9))
    outcomes = await yard.redrive()
    assert [outcome.did for outcome in outcomes] == ["skipped", "skipped", "redriven", "skipped"]
    assert [outcome.why is not None for outcome in outcomes] == [True, True, False, True]
    assert await yard.visible() == 3
    assert yard.records.stored[an_id(0)].status is Status.COMPLETED


async def test_a_dry_run_does_nothing() -> None:
    yard = Yard()
    await yard.records.create(failed_record())
    await yard.letter()
    (outcome,) = await yard.redrive(Pace(limit=10, dry_run=True))
    assert (outcome.did, yard.records.applied, yard.queues["ingest"].sent) == ("would_redrive", [], [])
    assert await yard.visible() == 1


async def test_reason_limit_and_rate() -> None:
    yard = Yard()
    for number in range(40):
        await yard.records.create(failed_record(an_id(number)))
        await yard.letter(an_id(number), code="POISON_MESSAGE" if number % 2 else "RETRIES_EXHAUSTED")
    started = asyncio.get_running_loop().time()
    outcomes = await yard.redrive(Pace(limit=15, rate=0.1), Wish(codes=frozenset({"POISON_MESSAGE"})))
    assert {outcome.letter.code for outcome in outcomes} == {"POISON_MESSAGE"}
    assert len(outcomes) == 15
    assert asyncio.get_running_loop().time() - started >= 15 * 10
    assert await yard.visible() == 25


async def test_an_open_breaker_refuses_before_anything_is_touched_and_in_between() -> None:
    yard = Yard()
    for number in range(3):
        await yard.records.create(failed_record(an_id(number)))
        await yard.letter(an_id(number))
    await yard.breakers.opened(VISION_MODEL, until=MOMENT + timedelta(seconds=60))
    with pytest.raises(BreakerIsOpen, match="12:01:00"):
        await yard.redrive()
    assert (yard.records.applied, "analysis-dlq.receive" in yard.faults.calls) == ([], False)
    # who opened it has died since: it is no reason any more
    await yard.breakers.opened(VISION_MODEL, until=MOMENT - timedelta(seconds=1))
    told: list[Outcome] = []

    def trip(outcome: Outcome) -> None:
        told.append(outcome)
        yard.breakers.untils[VISION_MODEL] = MOMENT + timedelta(seconds=60)

    with pytest.raises(BreakerIsOpen):
        await yard.place.redrive("analysis", Wish(), ALL, trip)
    assert (len(told), await yard.visible()) == (1, 2)


async def test_a_purge_deletes_what_was_shown_and_nothing_else() -> None:
    yard = Yard()
    for number in range(12):
        await yard.letter(an_id(number), code="POISON_MESSAGE" if number < 10 else "RETRIES_EXHAUSTED")
    wish = Wish(codes=frozenset({"POISON_MESSAGE"}))
    shown = await yard.place.found(["analysis"], wish, limit=8)
    await yard.letter(an_id(99), code="POISON_MESSAGE")
    told: list[Outcome] = []
    await yard.place.purge("analysis", frozenset(letter.message_id for letter in shown), told.append)
    assert [outcome.did for outcome in told] == ["purged"] * 8
    assert await yard.visible() == 5
