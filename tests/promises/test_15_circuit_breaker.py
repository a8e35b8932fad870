"""A circuit breaker on a downstream: open, nothing is received and no attempt burnt; half open, one job finds out."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from consumer.engine.breaker import Breaker, State
from consumer.engine.job import Pulse
from consumer.engine.outage import Outage
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, a_breaker, make_engine, make_setup, running
from tests.fakes import FakeQueue, Faults


@dataclass(kw_only=True)
class Downstream:
    """Down until the moment `heals_at`; answers after `takes_s`. `calls` are the moments at which it was asked."""

    breaker: Breaker
    heals_at: float
    takes_s: float = 0.5
    retry_after: float | None = None
    calls: list[float] = field(default_factory=list)
    receives: Counter[str] = field(default_factory=Counter)

    async def ask(self) -> None:
        loop = asyncio.get_running_loop()
        with self.breaker.watching():
            self.calls.append(loop.time())
            await asyncio.sleep(self.takes_s)
            if loop.time() < self.heals_at:
                raise Failure(ErrorCode.MODEL_UNAVAILABLE, "test", retry_after=self.retry_after)

    def handler(self) -> TinyHandler:
        async def work(delivery: Delivery, pulse: Pulse) -> None:
            self.receives[delivery.body] = max(self.receives[delivery.body], delivery.receive_count)
            await self.ask()

        return TinyHandler(run=work)


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("concurrency", [1, 3, 10])
async def test_down_for_ten_minutes_with_a_thousand_queued_burns_nothing_and_drains(concurrency: int) -> None:
    queue, breaker = FakeQueue(), a_breaker()
    downstream = Downstream(breaker=breaker, heals_at=now() + 600)
    handler = downstream.handler()
    for number in range(1000):
        await queue.send(str(number), {})
    async with running(make_engine(make_setup(queue, concurrency=concurrency), handler, breaker=breaker)):
        await asyncio.sleep(600)
        # those in hand when it opened, and one for each probe
        assert len(downstream.receives) <= 3 + concurrency + 10
        assert len(downstream.calls) <= 3 + concurrency + 10
        await asyncio.sleep(300 + 1000)
        assert queue.bodies == []
    assert len(queue.deleted) == 1000
    assert queue.dead == []
    assert max(downstream.receives.values()) <= 2
    # only those that met it before it opened have used up a try
    burnt = [body for what, body in handler.told if what == "release" and "counts=True" in body]
    assert len(burnt) <= 2


async def test_a_single_message_outlives_an_outage() -> None:
    """Three tries would be gone within a minute: the breaker must open before the last."""
    queue, breaker = FakeQueue(), a_breaker()
    downstream = Downstream(breaker=breaker, heals_at=now() + 600)
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), downstream.handler(), breaker=breaker)):
        await asyncio.sleep(600 + 900)
    assert (queue.dead, queue.bodies, len(queue.deleted)) == ([], [], 1)


async def test_a_short_outage_of_a_short_queue_is_over_soon() -> None:
    """All that there is was set aside: one of it is shown to find out, instead of a quarter of an hour's wait."""
    queue, breaker = FakeQueue(), a_breaker()
    downstream = Downstream(breaker=breaker, heals_at=now() + 60)
    for body in "abc":
        await queue.send(body, {})
    async with running(make_engine(make_setup(queue), downstream.handler(), breaker=breaker)):
        await asyncio.sleep(180)
        assert queue.bodies == []
    assert (queue.dead, len(queue.deleted)) == ([], 3)


async def test_a_lone_message_is_tried_as_often_as_the_breaker_allows_and_not_quarantined() -> None:
    queue, breaker = FakeQueue(), a_breaker()
    downstream = Downstream(breaker=breaker, heals_at=now() + 3600)
    handler = downstream.handler()
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), handler, breaker=breaker)):
        # one that was received too often to be shown early comes after a quarter of an hour
        await asyncio.sleep(3600 + 900 + 300)
    assert (queue.dead, queue.bodies) == ([], [])
    assert "quarantine" not in dict(handler.told)
    assert 5 <= len(downstream.calls) < 25


async def test_what_is_held_when_it_opens_goes_back_at_once_and_untried() -> None:
    queue, breaker = FakeQueue(), a_breaker(threshold=1)
    downstream = Downstream(breaker=breaker, heals_at=now() + 1e9)

    async def work(delivery: Delivery, pulse: Pulse) -> None:
        await asyncio.sleep(5 if delivery.body == "first" else 100)
        await downstream.ask()

    handler = TinyHandler(run=work)
    for body in ("first", "b", "c", "waits"):
        await queue.send(body, {})
    async with running(make_engine(make_setup(queue), handler, breaker=breaker)) as controls:
        await asyncio.sleep(7)
        assert sorted(body for what, body in handler.told if what == "run") == ["b", "c", "first"]
        assert sorted(told for what, told in handler.told if what == "release") == [
            "MODEL_UNAVAILABLE: test, counts=False",
            "None, counts=False",
            "None, counts=False",
        ]
        assert controls.ended.done() is False
    assert sorted(queue.bodies) == ["b", "c", "first", "waits"]


async def test_a_failed_probe_burns_nothing_while_the_queue_is_slow_to_hide_the_others() -> None:
    """The second call to hide a message is the one for what was tried before it opened: it comes back as the probe."""
    queue, breaker = FakeQueue(faults=Faults().hang("queue.change_visibility", 2)), a_breaker(threshold=2)
    handler = Downstream(breaker=breaker, heals_at=now() + 1e9).handler()
    for body in "abcd":
        await queue.send(body, {})
    async with running(make_engine(make_setup(queue, concurrency=1), handler, breaker=breaker)):
        await asyncio.sleep(10)
        assert [body for what, body in handler.told if what == "run"] == ["a", "b", "a"]
        counted = ["counts=True" in told for what, told in handler.told if what == "release"]
        assert counted == [True, False, False]


async def test_half_open_sends_one_job_at_a_time() -> None:
    queue, breaker = FakeQueue(), a_breaker()
    downstream = Downstream(breaker=breaker, heals_at=now() + 100, takes_s=2)
    for number in range(50):
        await queue.send(str(number), {})
    async with running(make_engine(make_setup(queue, concurrency=10), downstream.handler(), breaker=breaker)):
        await asyncio.sleep(100)
        probes = [moment for moment in downstream.calls if moment > downstream.calls[0] + 5]
        assert len(probes) >= 3
        pauses = [later - earlier for earlier, later in pairwise(probes)]
        assert all(pause > 10 for pause in pauses)
        assert pauses == sorted(pauses)


async def test_a_poll_in_flight_when_it_opens_brings_nothing_to_work_on() -> None:
    queue, breaker = FakeQueue(), a_breaker(threshold=1)
    handler = TinyHandler(run=Downstream(breaker=breaker, heals_at=0).handler().run)
    async with running(make_engine(make_setup(queue), handler, breaker=breaker)):
        await asyncio.sleep(5)
        breaker.failed()
        await queue.send("late", {})
        await asyncio.sleep(1)
        assert handler.told == []
        assert queue.hidden == [("queue-1", 900)]
        await asyncio.sleep(30)
        breaker.succeeded()
        await asyncio.sleep(2)
    assert handler.told == [("run", "late")]


async def test_a_message_with_a_fault_of_its_own_opens_nothing() -> None:
    breaker = a_breaker(threshold=1)

    async def bad(delivery: Delivery, pulse: Pulse) -> None:
        with breaker.watching():
            raise Failure(ErrorCode.MODEL_BAD_OUTPUT, "test")

    queue = FakeQueue()
    await queue.send("a", {})
    async with running(make_engine(make_setup(queue), TinyHandler(run=bad), breaker=breaker)):
        await asyncio.sleep(300)
    assert breaker.state is State.CLOSED
    assert len(queue.dead) + len(queue.deleted) >= 1


class Told:
    """core.ports.Breakers."""

    def __init__(self) -> None:
        self.words: list[str] = []

    async def opened(self, name: str, *, until: object) -> None:
        self.words.append(f"{name} opened")

    async def closed(self, name: str) -> None:
        self.words.append(f"{name} closed")

    async def open_until(self, name: str) -> None:
        return None


async def test_a_wish_to_be_left_alone_is_honoured() -> None:
    breaker = a_breaker(threshold=1)
    breaker.failed(retry_after=120)
    assert breaker.left_s == 120
    breaker.failed(retry_after=200)
    assert breaker.left_s == 200
    await asyncio.sleep(199)
    assert breaker.admit(1, running=0) == 0


async def test_other_processes_are_told() -> None:
    breaker, told = a_breaker(threshold=1), Told()
    outage = Outage(make_setup(FakeQueue()), breaker=breaker, interrupt=lambda: None, board=told)
    task = asyncio.create_task(outage.run())
    breaker.failed()
    await asyncio.sleep(8)
    breaker.failed()
    await asyncio.sleep(16)
    breaker.succeeded()
    await asyncio.sleep(1)
    task.cancel()
    assert told.words == ["model opened", "model opened", "model closed"]
