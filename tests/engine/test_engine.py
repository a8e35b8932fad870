import asyncio

import pytest

from consumer.engine.breaker import Breaker
from consumer.engine.clock import SystemClock
from consumer.engine.job import Later, Pulse
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, half, make_engine, make_setup, nothing, running
from tests.fakes import FakeQueue

AWAY = Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")


async def test_a_bug_is_a_failure_of_its_message_alone() -> None:
    async def bug(delivery: Delivery, pulse: Pulse) -> None:
        if delivery.body == "bad":
            raise KeyError("test")

    queue, handler = FakeQueue(), TinyHandler(run=bug)
    await queue.send("bad", {})
    await queue.send("good", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(1)
    assert ("release", "INTERNAL: KeyError while working, counts=True") in handler.told
    assert queue.bodies == ["bad"]


async def test_a_postponed_message_comes_back_without_a_release() -> None:
    async def later(delivery: Delivery, pulse: Pulse) -> Later | None:
        return Later(seconds=30, reason="test") if delivery.receive_count == 1 else None

    queue, handler = FakeQueue(), TinyHandler(run=later)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(35)
    assert (handler.told, queue.hidden, queue.bodies) == ([("run", "a")] * 2, [("queue-1", 30)], [])


async def test_a_message_that_only_waits_is_never_quarantined() -> None:
    async def later(delivery: Delivery, pulse: Pulse) -> Later:
        return Later(seconds=10, reason="test")

    queue, handler = FakeQueue(), TinyHandler(run=later)
    await queue.send("a", {"traceparent": "t"})
    async with running(make_engine(make_setup(queue), handler)):
        await asyncio.sleep(100)
    assert handler.told == [("run", "a")] * 10
    assert queue.dead == []
    # one more at the end: it came to the last poll, too late to be begun
    assert [(sent.attributes, sent.delay_s) for sent in queue.sent[:3]] == [({"traceparent": "t"}, 0)] + [
        ({"traceparent": "t"}, 10)
    ] * 2


async def test_a_poller_that_dies_is_not_hidden() -> None:
    class Broken(Breaker):
        def admit(self, free: int, *, running: int) -> int:
            raise RuntimeError("test")

    queue = FakeQueue()
    broken = Broken(SystemClock(), name="broken", codes=frozenset(), chance=half)
    engine = make_engine(make_setup(queue), TinyHandler(run=nothing), breaker=broken)
    with pytest.raises(RuntimeError, match="test"):
        await engine.run(asyncio.Event())
