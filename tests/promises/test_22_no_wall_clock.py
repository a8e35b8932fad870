"""No wall clock in lease arithmetic: skewed and jumping clocks break nothing; every time limit is finite by default."""

import ast
import asyncio
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from consumer.engine.clock import SystemClock
from consumer.reconciling.opening import rules_of
from consumer.roles import limits_of
from consumer.stages import STAGES
from core.aws.clients import open_clients
from core.record import Status
from core.settings import Settings
from tests.consumer.rig import House
from tests.engine.rig import TinyHandler, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue
from tests.promises.test_06_one_effect import assert_one_effect

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = Settings(bucket="b", _env_file=None)
TEN_MINUTES = 600.0


@dataclass
class SkewedClock(SystemClock):
    """A machine whose wall clock is wrong by `skew` seconds; `jump` moves it by more as time goes on."""

    skew: float = 0.0
    jump: float = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.skew + self.jump * (self.monotonic() % 7))


SKEWS = {
    "holder behind": (SkewedClock(-TEN_MINUTES), SkewedClock(TEN_MINUTES)),
    "holder ahead": (SkewedClock(TEN_MINUTES), SkewedClock(-TEN_MINUTES)),
    "holder a day behind": (SkewedClock(-86_400.0), SkewedClock()),
    "both jump": (SkewedClock(jump=-500.0), SkewedClock(jump=700.0)),
}


def slow(house: House) -> None:
    """Two and a half minutes of decoding."""
    house.decoder.seconds = 50
    house.settings = house.settings.model_copy(update={"extract_limit_s": 200})


@pytest.mark.parametrize(("holder", "other"), SKEWS.values(), ids=SKEWS)
async def test_no_clock_takes_a_lease_from_one_who_lives(house: House, holder: SkewedClock, other: SkewedClock) -> None:
    """A duplicate waits on the other machine, again and again, through two leases' time and more."""
    slow(house)
    await house.ready()
    await house.ask()
    house.clock = holder
    async with house.analysing("holder"):
        await asyncio.sleep(1)
        house.clock = other
        await house.ask()
        async with house.analysing("other"):
            await asyncio.sleep(300)
    assert_one_effect(house)
    assert (house.record.lease_token, house.record.attempt) == (1, 1)


@pytest.mark.parametrize(("dead", "other"), SKEWS.values(), ids=SKEWS)
async def test_no_clock_keeps_a_lease_for_one_who_died(house: House, dead: SkewedClock, other: SkewedClock) -> None:
    """A lease lasts 60 s, and a wait has a spread of 5 s."""
    await house.ready(
        status=Status.PROCESSING,
        attempt=1,
        lease_owner="dead",
        lease_message="gone",
        lease_receives=1,
        lease_until=dead.now().timestamp() + 60,
        lease_token=1,
    )
    house.clock = other
    await house.ask()
    async with house.analysing("other"):
        await asyncio.sleep(59)
        assert house.record.lease_owner == "dead"
        await asyncio.sleep(8)
    assert_one_effect(house)


@pytest.mark.parametrize(("holder", "other"), SKEWS.values(), ids=SKEWS)
async def test_the_queues_own_word_is_followed_at_once_by_any_clock(
    house: House, holder: SkewedClock, other: SkewedClock
) -> None:
    """The message's visibility ended, as the queue's own clock says: it is begun again, whoever's clock is wrong."""
    house.decoder.seconds = 10
    await house.ready()
    await house.ask()
    house.clock = holder
    async with house.analysing("holder"):
        await asyncio.sleep(5)
        await house.analysis_queue.change_visibility("analysis-1#1", 0)
        house.clock = other
        async with house.analysing("other"):
            await asyncio.sleep(2)
            assert house.record.lease_owner == "other"
            await asyncio.sleep(40)
    assert house.record.status is Status.COMPLETED
    assert [change for _, change in house.records.applied].count("completed") == 1


@pytest.mark.parametrize("skew", [-TEN_MINUTES, TEN_MINUTES])
async def test_the_beat_does_not_look_at_the_wall(house: House, skew: float) -> None:
    slow(house)
    house.clock = SkewedClock(jump=skew)
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(160)
    assert_one_effect(house)
    beats = [seconds for _, seconds in house.analysis_queue.hidden]
    assert beats == [60] * 7


def test_only_the_clock_reads_the_time() -> None:
    """Whoever else did could compare it with another machine's."""
    readers = {
        str(path.relative_to(ROOT))
        for room in ("consumer", "core")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("time.time", "datetime.now", "datetime.utcnow")
    }
    assert readers == {"consumer/engine/clock.py"}


@pytest.mark.real
async def test_every_call_of_every_client_ends() -> None:
    async with open_clients(SETTINGS) as clients:
        for name in ("s3", "sqs", "polls", "dynamodb"):
            config = getattr(clients, name).meta.config
            assert 0 < config.connect_timeout <= 10, name
            assert 0 < config.read_timeout <= 30, name
            assert 1 <= config.retries["total_max_attempts"] <= 5, name
        polls = clients.polls.meta.config
        assert polls.read_timeout > SETTINGS.poll_wait_s
        assert polls.retries["total_max_attempts"] == 1


def test_every_stage_every_poll_every_drain_and_every_analysis_has_an_end() -> None:
    limits, rules = limits_of(SETTINGS, concurrency=1), rules_of(SETTINGS)
    ends = {
        **{stage.name: stage.limit_s(SETTINGS) for stage in STAGES},
        "drain": limits.drain_s,
        "visibility": limits.visibility_s,
        "job": limits.job_limit_s,
        "total age": rules.max_age_s,
        "upload": rules.overdue_s,
    }
    assert {name: end for name, end in ends.items() if not 0 < end < math.inf} == {}
    assert limits.visibility_s <= 60
    assert sum(stage.limit_s(SETTINGS) for stage in STAGES) * SETTINGS.max_attempts < rules.max_age_s


async def test_a_queue_that_never_answers_holds_nothing_for_ever() -> None:
    """The engine's own limits, should an adapter have none: see test_01 for each call, here for all at once."""
    queue = FakeQueue()
    for method in ("receive", "delete", "change_visibility", "dead_letter"):
        for call in range(1, 4):
            queue.faults.hang(f"queue.{method}", call)
    await queue.send("a", {})
    await queue.send("garbage", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=nothing))):
        await asyncio.sleep(3000)
        assert queue.bodies == []
