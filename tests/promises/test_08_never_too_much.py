"""Never more in hand than it can work on: free + busy = limit under any exception, no hidden buffer."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from structlog.testing import capture_logs

from consumer.engine.engine import Engine
from consumer.engine.job import Later, Pulse
from consumer.engine.slots import Slots
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from tests.engine.rig import TinyHandler, make_engine, make_setup, running
from tests.engine.virtual_time import VirtualLoop
from tests.fakes import FakeQueue, Faults

ERRORS = st.sampled_from([Failure(ErrorCode.QUEUE_UNAVAILABLE, "test"), KeyError("test"), TimeoutError()])
PORTS = st.sampled_from(["queue.receive", "queue.delete", "queue.change_visibility", "queue.dead_letter"])
WORK = st.sampled_from(["done", "fails", "permanent", "bug", "later", "lost", "hangs", "cancels", "garbage"])


async def work(delivery: Delivery, pulse: Pulse) -> Later | None:
    await asyncio.sleep(1)
    match delivery.body:
        case "fails":
            raise Failure(ErrorCode.STORAGE_UNAVAILABLE, "test")
        case "permanent":
            raise Failure(ErrorCode.UNSUPPORTED_CODEC, "test")
        case "bug":
            raise RuntimeError("test")
        case "later":
            return Later(seconds=5, reason="test")
        case "lost":
            raise Failure(ErrorCode.LEASE_LOST, "test")
        case "hangs":
            await asyncio.Event().wait()
        case "cancels":
            raise asyncio.CancelledError
    return None


class Counted(TinyHandler):
    """`hands` is how many jobs run, `most` the most that ever did."""

    def __init__(self) -> None:
        self.hands = self.most = 0
        super().__init__(run=self._counted)

    async def _counted(self, delivery: Delivery, pulse: Pulse) -> Later | None:
        self.hands += 1
        self.most = max(self.most, self.hands)
        try:
            return await work(delivery, pulse)
        finally:
            self.hands -= 1


class Remembering(FakeQueue):
    """`received` are the newest receipts."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults=faults)
        self.received: list[str] = []

    async def receive(self, *, limit: int, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        found = await super().receive(limit=limit, wait_s=wait_s, visibility_s=visibility_s)
        self.received += [delivery.receipt for delivery in found]
        return found


class Hands(RuleBasedStateMachine):
    """An engine whose queue, clock and jobs do whatever they like."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.faults = Faults()
        self.handler = Counted()
        self.queue = Remembering(self.faults)
        self.stop = asyncio.Event()
        self.engine: Engine
        self.task: asyncio.Task[None]

    @initialize(limit=st.integers(1, 12))
    def begin(self, limit: int) -> None:
        async def start() -> None:
            self.engine = make_engine(make_setup(self.queue, concurrency=limit, job_limit_s=30), self.handler)
            self.task = asyncio.create_task(self.engine.run(self.stop))

        self.run(start())

    @rule(bodies=st.lists(WORK, min_size=1, max_size=15))
    def send(self, bodies: list[str]) -> None:
        async def send() -> None:
            for body in bodies:
                await self.queue.send(body, {})

        self.run(send())

    @rule(seconds=st.sampled_from([0, 0.01, 1, 20, 61, 300]))
    def wait(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @rule(port=PORTS, ahead=st.integers(1, 3), error=ERRORS, after=st.booleans())
    def breaks(self, port: str, ahead: int, error: Exception, after: bool) -> None:
        (self.faults.after if after else self.faults.at)(port, self.faults.count(port) + ahead, error)

    @rule(port=PORTS, ahead=st.integers(1, 3))
    def hangs(self, port: str, ahead: int) -> None:
        self.faults.hang(port, self.faults.count(port) + ahead)

    @rule(port=PORTS, error=ERRORS)
    def is_down(self, port: str, error: Exception) -> None:
        self.faults.broken(port, error)

    @rule(port=PORTS)
    def is_up_again(self, port: str) -> None:
        self.faults.heal(port)

    @rule()
    def receipts_go_stale(self) -> None:
        """Somebody else receives what we hold."""

        async def steal() -> None:
            for receipt in self.queue.received:
                with suppress(Exception):
                    async with asyncio.timeout(1):
                        await self.queue.change_visibility(receipt, 0)
                        await FakeQueue.receive(self.queue, limit=10, wait_s=0, visibility_s=30)
            self.queue.received.clear()

        self.run(steal())

    @invariant()
    def free_and_busy_add_up(self) -> None:
        if hasattr(self, "engine"):
            slots = self.engine.slots
            assert slots.free + slots.busy == slots.limit
            assert 0 <= self.engine.vitals.in_flight <= slots.busy <= slots.limit
            assert self.handler.most <= slots.limit
            assert not self.task.done()

    def teardown(self) -> None:
        """Nothing is held once it has ended."""

        async def end() -> None:
            self.stop.set()
            await self.task
            assert self.engine.slots.busy == 0
            assert self.handler.hands == 0

        if hasattr(self, "engine"):
            self.run(end())
        self.runner.close()

    def run(self, coroutine: Coroutine[Any, Any, object]) -> None:
        with capture_logs():  # stacks of hundreds of bugs are slow to print
            self.runner.run(coroutine)


TestHands = Hands.TestCase
TestHands.settings = settings(
    max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(limit=st.integers(1, 12), steps=st.lists(st.tuples(st.booleans(), st.integers(0, 14))))
def test_free_and_busy_always_add_up_to_the_limit(limit: int, steps: list[tuple[bool, int]]) -> None:
    async def play() -> None:
        slots, busy = Slots(limit), 0
        for takes, count in steps:
            if takes and slots.free:
                taken = await slots.take(count)
                assert taken == min(count, limit - busy)
                busy += taken
            elif not takes and count <= busy:
                slots.give(count)
                busy -= count
            elif not takes:
                with pytest.raises(ValueError, match="given back"):
                    slots.give(count)
            assert (slots.busy, slots.free + slots.busy) == (busy, limit)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play())


async def test_take_waits_for_a_slot_and_takes_all_that_are_free() -> None:
    slots = Slots(3)
    await slots.take(3)
    waiting = asyncio.create_task(slots.take(10))
    await asyncio.sleep(1)
    assert not waiting.done()
    slots.give(2)
    assert await waiting == 2


async def test_closing_sends_those_away_who_wait() -> None:
    slots = Slots(1)
    await slots.take(1)
    waiting = asyncio.create_task(slots.take(1))
    await asyncio.sleep(1)
    slots.close()
    assert await waiting == 0
    slots.give()
    assert await slots.take(1) == 0


async def test_never_more_in_hand_than_the_limit() -> None:
    hands, most = 0, 0

    async def count(delivery: Delivery, pulse: Pulse) -> None:
        nonlocal hands, most
        hands += 1
        most = max(most, hands)
        await asyncio.sleep(1 + int(delivery.body) % 3)
        hands -= 1
        if int(delivery.body) % 4 == 0:
            raise Failure(ErrorCode.UNSUPPORTED_CODEC, "test")
        if int(delivery.body) % 4 == 1:
            raise RuntimeError("test")

    queue, handler = FakeQueue(), TinyHandler(run=count)
    for number in range(40):
        await queue.send(str(number), {})
    engine = make_engine(make_setup(queue), handler)
    async with running(engine):
        await asyncio.sleep(15)
        assert engine.slots.busy == 3
    assert most == 3
