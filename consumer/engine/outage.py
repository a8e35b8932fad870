"""While a downstream is away: nothing is received, what is held goes back untried, and comes at once when it heals.

Each message meets an outage once: it is then hidden for longer than an outage mostly takes, and this process keeps the
receipts of those that it has hidden, to make them visible as soon as its breaker closes. Where nothing else is left to
find out with whether it has healed, one of them is shown early. Should the process die in the meantime, they come back
by themselves.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from consumer.engine.breaker import Breaker, State
from consumer.engine.caught import caught
from consumer.engine.clock import set_within
from consumer.engine.setup import Setup
from core.failure import Failure
from core.ports import Breakers, Delivery

log = structlog.stdlib.get_logger(__name__)
ASIDE_S = 900
CALL_LIMIT_S = 10.0
MOST_ASIDE = 200
LONELY_S = 5.0
"""Half open for so long with no job: the queue has no message that is visible."""


class Outage:
    """`run` is its background task. `interrupt` gives back all jobs that run, of which there are `running`; `board`
    tells other processes."""

    def __init__(
        self,
        setup: Setup,
        *,
        breaker: Breaker,
        interrupt: Callable[[], None],
        running: Callable[[], int] = lambda: 0,
        board: Breakers | None = None,
    ) -> None:
        self._queue = setup.queue
        self._clock = setup.clock
        self._breaker = breaker
        self._interrupt = interrupt
        self._running = running
        self._most_shown = setup.limits.max_receives - 1
        self._board = board
        # receipts, and how often each message was received
        self._aside: deque[tuple[str, int]] = deque(maxlen=MOST_ASIDE)
        # the same, and until when they are hidden: tried again then, unless it turns out that it was the downstream
        self._suspects: deque[tuple[str, int, float]] = deque(maxlen=MOST_ASIDE)
        self._news = asyncio.Event()
        self._untold = False
        breaker.heard_by(self._heard)

    @property
    def lasts(self) -> bool:
        return self._breaker.state is not State.CLOSED

    def admit(self, free: int, running: int) -> int:
        return self._breaker.admit(free, running=running)

    def caused(self, failure: Failure) -> bool:
        """Whether the downstream is to blame, and not this message: no try is used up."""
        return self.lasts and failure.code in self._breaker.codes

    def put_aside(self, delivery: Delivery) -> None:
        """This message was hidden for ASIDE_S."""
        self._aside.append((delivery.receipt, delivery.receive_count))

    def suspect(self, delivery: Delivery, failure: Failure, *, hidden_s: float) -> None:
        """This message was hidden for a while after that failure, a try used up."""
        if failure.code in self._breaker.codes:
            until = self._clock.monotonic() + hidden_s
            self._suspects.append((delivery.receipt, delivery.receive_count, until))
            self._news.set()

    async def run(self) -> None:
        """Gives back, hides and shows what is to be, until cancelled."""
        while True:
            while self.lasts:
                if await set_within(self._clock, self._news, self._breaker.left_s + LONELY_S):
                    break
                await self._show_one()
            await self._news.wait()
            self._news.clear()
            if self.lasts:
                self._interrupt()
                await self._hide_suspects()
            else:
                await self._call_back()
            await self._tell()

    def _heard(self) -> None:
        self._untold = True
        self._news.set()

    async def _hide_suspects(self) -> None:
        while self._suspects:
            receipt, receives, hidden_until = self._suspects.popleft()
            if self._clock.monotonic() < hidden_until and await self._within_limit(
                self._queue.change_visibility(receipt, ASIDE_S)
            ):
                self._aside.append((receipt, receives))

    async def _show_one(self) -> None:
        """The one that was received least, if it can be received again without being sent to quarantine for that."""
        if not self._aside or self._breaker.state is not State.HALF_OPEN or self._running():
            return
        receipt, receives = min(self._aside, key=lambda one: one[1])
        if receives < self._most_shown:
            self._aside.remove((receipt, receives))
            await self._within_limit(self._queue.change_visibility(receipt, 0))

    async def _call_back(self) -> None:
        if self._aside:
            log.info("outage.called_back", breaker=self._breaker.name, messages=len(self._aside))
        while self._aside and not self.lasts:
            receipt, _ = self._aside.popleft()
            await self._within_limit(self._queue.change_visibility(receipt, 0))

    async def _tell(self) -> None:
        if self._board is None or not self._untold:
            return
        self._untold = False
        name, until = self._breaker.name, self._clock.now() + timedelta(seconds=self._breaker.left_s)
        told = self._board.opened(name, until=until) if self.lasts else self._board.closed(name)
        if not await self._within_limit(told):
            log.warning("breaker.not_told", breaker=name)

    async def _within_limit(self, call: Awaitable[None]) -> bool:
        """Whether it worked. Where a message could not be moved, it comes when its time is up."""

        async def bounded() -> None:
            async with self._clock.timeout(CALL_LIMIT_S):
                await call

        return await caught(bounded(), doing="living with an outage") is None
