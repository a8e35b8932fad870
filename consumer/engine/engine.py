"""One process's share of one queue: polls, works, settles, and at a shutdown gives back what it does not end."""

import asyncio
from collections.abc import Sequence

import structlog

from consumer.engine.acks import Acks
from consumer.engine.attempt import Attempt, Interruption
from consumer.engine.breaker import Breaker
from consumer.engine.clock import done_within
from consumer.engine.job import Handler
from consumer.engine.outage import ASIDE_S, Outage
from consumer.engine.policy import Policy
from consumer.engine.poller import Hands, Poller
from consumer.engine.returning import as_if_never_received, give_back
from consumer.engine.settle import Settle
from consumer.engine.setup import Setup
from consumer.engine.slots import Slots
from consumer.engine.vitals import Vitals
from consumer.engine.worker import Worker
from core.ports import Breakers, Delivery

log = structlog.stdlib.get_logger(__name__)
RELEASE_S = 1.0
LAST_S = 0.5


class Engine:
    """Made once, run once."""

    def __init__(
        self,
        setup: Setup,
        *,
        handler: Handler,
        policy: Policy,
        breaker: Breaker | None = None,
        breakers: Breakers | None = None,
    ) -> None:
        """`breaker` is the one that the handler's jobs report to; `breakers` is where other processes read about it."""
        self._queue = setup.queue
        self._clock = setup.clock
        self._limits = setup.limits
        self._attempts: dict[asyncio.Task[None], Attempt] = {}
        self.slots = Slots(setup.limits.concurrency)
        self.vitals = Vitals(setup, kind=handler.kind, slots=self.slots, attempts=self._attempts.values)
        self._acks = Acks(setup)
        # without one: a breaker that nothing opens
        self.breaker = breaker or Breaker(setup.clock, name="none", codes=frozenset(), chance=setup.chance)
        self._outage = Outage(
            setup,
            breaker=self.breaker,
            interrupt=self._give_way,
            running=lambda: len(self._attempts),
            board=breakers,
        )
        settle = Settle(setup, acks=self._acks, policy=policy, outage=self._outage)
        self._worker = Worker(setup, handler=handler, settle=settle, left_alone=self._left_alone)
        hands = Hands(admit=self._admit, choose=self._choose, start=self._start, hand_back=self._hand_back)
        self._poller = Poller(setup, slots=self.slots, hands=hands, vitals=self.vitals)

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event | None = None) -> None:
        """Works until `stop` is set, then drains: running jobs get the drain budget, or until `hurry`; what is left
        is cancelled and handed back. Returns within the budget + 2 s. Raises what killed the poller, if anything."""
        self.vitals.started()
        acks, outage = asyncio.create_task(self._acks.run()), asyncio.create_task(self._outage.run())
        poll = asyncio.create_task(self._poller.run(stop))
        stopping = asyncio.create_task(_set(stop))
        try:
            await asyncio.wait({poll, stopping}, return_when=asyncio.FIRST_COMPLETED)
            await self._drain(poll, hurry or asyncio.Event())
        finally:
            # nothing is left here after a drain that went well
            for task in (acks, outage, poll, stopping, *self._attempts):
                task.cancel()
            await asyncio.wait({acks, outage, poll, stopping, *self._attempts}, timeout=LAST_S)
        if not poll.cancelled():
            poll.result()

    def _admit(self, free: int) -> int:
        if any(attempt.alone for attempt in self._attempts.values()):
            return 0
        return self._outage.admit(free, len(self._attempts))

    def _choose(self, found: Sequence[Delivery]) -> Sequence[Delivery]:
        """As many as are admitted now: a breaker may have opened meanwhile. And but one of those on their last receive:
        it is worked on alone, so that a message that kills its worker takes no other's last chance with it."""
        wanted = found[: self._admit(len(found))]
        last = [delivery for delivery in wanted if self._is_last(delivery)]
        return [delivery for delivery in wanted if delivery not in last[1:]]

    def _is_last(self, delivery: Delivery) -> bool:
        return delivery.receive_count == self._limits.max_receives

    async def _left_alone(self, attempt: Attempt) -> None:
        """Until nothing else is in hand."""
        while others := {task for task, other in self._attempts.items() if other is not attempt}:
            await asyncio.wait(others)

    def _start(self, delivery: Delivery, received_at: float) -> None:
        attempt = Attempt(delivery=delivery, received_at=received_at, alone=self._is_last(delivery))
        task = asyncio.create_task(self._worker.work(attempt))
        self._attempts[task] = attempt
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.vitals.ended(self._attempts.pop(task))
        self.slots.give()

    def _give_way(self) -> None:
        for attempt in self._attempts.values():
            attempt.interrupt(Interruption.OUTAGE)

    async def _hand_back(self, delivery: Delivery) -> None:
        max_receives = self._limits.max_receives
        if not self._outage.lasts:
            await as_if_never_received(self._queue, delivery, max_receives=max_receives)
            return
        await give_back(self._queue, delivery, ASIDE_S, max_receives=max_receives)
        self._outage.put_aside(delivery)

    async def _drain(self, poll: asyncio.Task[None], hurry: asyncio.Event) -> None:
        end = self._clock.monotonic() + self._limits.drain_s
        self.vitals.draining()
        self.slots.close()
        log.info("consumer.draining", running=len(self._attempts), drain_s=self._limits.drain_s)
        await self._until_idle(hurry, end)
        for attempt in self._attempts.values():
            attempt.interrupt(Interruption.SHUTDOWN)
        await done_within(self._clock, set(self._attempts), RELEASE_S)
        # a poll is never aborted (see Poller.run), not even in a hurry: it is shorter than the budget
        await done_within(self._clock, {poll}, end + RELEASE_S - self._clock.monotonic())
        if self._attempts or not poll.done():
            log.error("consumer.drain.incomplete", running=len(self._attempts), polling=not poll.done())

    async def _until_idle(self, hurry: asyncio.Event, end: float) -> None:
        """Until no job runs, or `hurry`, or the moment `end`."""
        hurried = asyncio.create_task(_set(hurry))
        try:
            async with self._clock.timeout(end - self._clock.monotonic()):
                while self._attempts and not hurried.done():
                    await asyncio.wait({hurried, *self._attempts}, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            log.warning("consumer.drain.expired", running=len(self._attempts))
        finally:
            hurried.cancel()


async def _set(event: asyncio.Event) -> None:
    await event.wait()
