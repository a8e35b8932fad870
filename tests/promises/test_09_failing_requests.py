"""A budget for failing requests: jittered pauses, never two failures in a second, back after one success, for ever."""

import asyncio
from itertools import pairwise

import pytest

from consumer.engine.clock import SystemClock
from consumer.engine.engine import Engine
from consumer.engine.policy import Chance, policy_of_catalogue
from consumer.engine.setup import Setup
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import LIMITS, TinyHandler, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue, Faults

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")
CHANCES = {"always the shortest": 0.0, "the middle": 0.5, "always the longest": 0.999999}


class Timed(FakeQueue):
    """`asked` are the moments of all receives."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults=faults)
        self.asked: list[float] = []

    async def receive(self, *, limit: int, wait_s: int, visibility_s: int) -> list[Delivery]:
        self.asked.append(asyncio.get_running_loop().time())
        return list(await super().receive(limit=limit, wait_s=wait_s, visibility_s=visibility_s))


def engine_with(queue: FakeQueue, chance: Chance) -> Engine:
    setup = Setup(queue=queue, clock=SystemClock(), chance=chance, limits=LIMITS)
    return Engine(setup, handler=TinyHandler(run=nothing), policy=policy_of_catalogue(max_tries=3))


@pytest.mark.parametrize("chance", CHANCES.values(), ids=CHANCES.keys())
async def test_ten_minutes_of_failures_costs_no_more_than_one_a_second(chance: float) -> None:
    queue = Timed(Faults().broken("queue.receive", AWAY))
    async with running(engine_with(queue, lambda: chance)):
        await asyncio.sleep(600)
        pauses = [later - earlier for earlier, later in pairwise(queue.asked)]
        assert min(pauses) >= 1
        assert max(pauses) <= 30 + 0.001
        # it never gave up
        assert queue.asked[-1] >= queue.asked[0] + 600 - 31


async def test_the_pause_grows_with_each_failure_in_a_row() -> None:
    queue = Timed(Faults().broken("queue.receive", AWAY))
    async with running(engine_with(queue, lambda: 0.5)):
        await asyncio.sleep(200)
    pauses = [round(later - earlier, 1) for earlier, later in pairwise(queue.asked)]
    assert pauses[:6] == [1.5, 2.5, 4.5, 8.5, 15.5, 15.5]


async def test_one_success_forgets_all_failures() -> None:
    queue = Timed(Faults().broken("queue.receive", AWAY))
    async with running(engine_with(queue, lambda: 0.5)):
        await asyncio.sleep(600)
        queue.faults.heal("queue.receive")
        await queue.send("a", {})
        await asyncio.sleep(30)
        assert queue.bodies == []
        queue.faults.broken("queue.receive", AWAY)
        await queue.send("wakes the poll in flight", {})
        healed = len(queue.asked)
        await asyncio.sleep(30)
    pauses = [round(later - earlier, 1) for earlier, later in pairwise(queue.asked[healed:])]
    assert pauses[:2] == [1.5, 2.5]


async def test_a_poll_that_hangs_is_a_failed_one() -> None:
    queue = Timed(Faults().hang("queue.receive", 1))
    await queue.send("a", {})
    async with running(engine_with(queue, lambda: 0.5)):
        await asyncio.sleep(45)
    assert queue.bodies == []


async def test_deletes_that_fail_are_spaced_too() -> None:
    queue = FakeQueue(faults=Faults().broken("queue.delete", AWAY))
    for number in range(3):
        await queue.send(str(number), {})
    async with running(engine_with(queue, lambda: 0.0)):
        await asyncio.sleep(50)
        assert 10 <= queue.faults.count("queue.delete") <= 51
        queue.faults.heal("queue.delete")
        await asyncio.sleep(2)


async def test_an_idle_queue_costs_three_receives_a_minute() -> None:
    queue = FakeQueue()
    async with running(make_engine(make_setup(queue), TinyHandler(run=nothing))):
        await asyncio.sleep(59)
        assert queue.faults.count("queue.receive") == 3


async def test_an_adapter_with_a_bug_does_not_end_the_poller() -> None:
    faults = Faults().at("queue.receive", 1, KeyError("test"))
    queue, handler = FakeQueue(faults=faults), TinyHandler(run=nothing)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(5)
    assert handler.told == [("run", "a")]


async def test_polls_that_return_at_once_with_nothing_are_no_busy_loop() -> None:
    queue = FakeQueue()
    async with running(make_engine(make_setup(queue, wait_s=0), TinyHandler(run=nothing))):
        await asyncio.sleep(60)
        assert queue.faults.count("queue.receive") <= 61
