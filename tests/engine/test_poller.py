import asyncio

from core.error_codes import ErrorCode
from core.failure import Failure
from tests.engine.rig import TinyHandler, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue, Faults

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


async def test_an_idle_queue_costs_three_receives_a_minute() -> None:
    queue = FakeQueue()
    async with running(make_engine(make_setup(queue), TinyHandler(run=nothing))):
        await asyncio.sleep(59)
        assert queue.faults.count("queue.receive") == 3


async def test_failing_receives_back_off_never_end_and_recover_at_once() -> None:
    faults = Faults().broken("queue.receive", AWAY)
    queue, handler = FakeQueue(faults=faults), TinyHandler(run=nothing)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(600)
        failed = faults.count("queue.receive")
        assert 600 / 30 <= failed <= 60
        faults.heal("queue.receive")
        await asyncio.sleep(30)
        assert handler.told == [("run", "a")]
        faults.at("queue.receive", faults.count("queue.receive") + 1, AWAY)
        await queue.send("b", {})
        await asyncio.sleep(30)
    assert handler.told[1:] == [("run", "b")]


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
