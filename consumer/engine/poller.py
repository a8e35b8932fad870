"""Long polls: asks for as many messages as there are free slots, for ever, however often it fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from consumer.engine.caught import caught
from consumer.engine.clock import set_within
from consumer.engine.limits import RECEIVE_MOST
from consumer.engine.policy import jittered
from consumer.engine.setup import Setup
from consumer.engine.slots import Slots
from consumer.engine.vitals import Vitals
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery

log = structlog.stdlib.get_logger(__name__)
BACK_OFF_BASE_S = 2.0
BACK_OFF_CAP_S = 30.0
EMPTY_PAUSE_S = 1.0
RECEIVE_MARGIN_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Hands:
    """Who takes the deliveries. `admit`: how many of so many free slots may be filled now. `choose`: which of those
    that came are begun. `start` takes over a delivery, which came at that moment (Clock.monotonic), and its slot.
    `hand_back` makes one visible again that is not begun."""

    admit: Callable[[int], int]
    choose: Callable[[Sequence[Delivery]], Sequence[Delivery]]
    start: Callable[[Delivery, float], None]
    hand_back: Callable[[Delivery], Awaitable[None]]


class Poller:
    """One loop. A failed receive costs a pause, never the loop."""

    def __init__(self, setup: Setup, *, slots: Slots, hands: Hands, vitals: Vitals) -> None:
        self._queue = setup.queue
        self._clock = setup.clock
        self._chance = setup.chance
        self._limits = setup.limits
        self._slots = slots
        self._hands = hands
        self._vitals = vitals
        self._failures = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Polls until `stop`. The poll in flight is let to end, because SQS gives the next message to a poll whose
        client went away, and hides it for its whole visibility; what it brings is made visible again."""
        while not stop.is_set():
            self._vitals.poll_is_due(self._slots.free > 0)
            taken = await self._slots.take(RECEIVE_MOST)
            admitted = self._hands.admit(taken) if taken else 0
            self._slots.give(taken - admitted)
            self._vitals.poll_is_due(admitted > 0)
            pause = await self._poll(admitted, stop) if admitted else EMPTY_PAUSE_S
            await set_within(self._clock, stop, pause)

    async def _poll(self, limit: int, stop: asyncio.Event) -> float:
        """One receive with `limit` slots in hand; returns the seconds to pause before the next."""
        started = self._clock.monotonic()
        owed = limit
        try:
            found = await caught(self._receive(limit), doing="receiving")
            if isinstance(found, Failure):
                return self._failed(found)
            self._succeeded()
            received_at = self._clock.monotonic()
            self._slots.give(owed - len(found))
            owed = len(found)
            wanted = [] if stop.is_set() else self._hands.choose(found)
            # first: what is begun may be the end of this process
            for delivery in [one for one in found if one not in wanted]:
                await self._return(delivery)
                self._slots.give()
                owed -= 1
            for delivery in wanted:
                owed -= 1
                self._hands.start(delivery, received_at)
        finally:
            # also when this is cancelled
            self._slots.give(owed)
        # an empty answer long before the wait is over must not become a busy loop
        early = started + min(EMPTY_PAUSE_S, self._limits.wait_s or EMPTY_PAUSE_S) - self._clock.monotonic()
        return 0.0 if found else early

    async def _receive(self, limit: int) -> Sequence[Delivery]:
        wait_s, visibility_s = self._limits.wait_s, self._limits.visibility_s
        try:
            # far past the adapter's own limits: a poll this late is dead, and no message can be on its way to it
            async with self._clock.timeout(wait_s + RECEIVE_MARGIN_S):
                return await self._queue.receive(limit=limit, wait_s=wait_s, visibility_s=visibility_s)
        except TimeoutError:
            raise Failure(ErrorCode.QUEUE_UNAVAILABLE, "no answer to a poll") from None

    def _failed(self, failure: Failure) -> float:
        self._failures += 1
        self._vitals.receive_failed()
        pause = jittered(BACK_OFF_BASE_S, BACK_OFF_CAP_S, self._failures, self._chance)
        log.warning(
            "queue.receive.failed",
            queue=self._queue.name,
            error=str(failure),
            failures=self._failures,
            pause_s=round(pause, 1),
        )
        return pause

    def _succeeded(self) -> None:
        if self._failures:
            log.info("queue.receive.recovered", queue=self._queue.name, failures=self._failures)
        self._failures = 0
        self._vitals.polled()

    async def _return(self, delivery: Delivery) -> None:
        failure = await caught(self._hands.hand_back(delivery), doing="handing back")
        log.info("message.handed_back", message_id=delivery.message_id, failed=failure is not None)
