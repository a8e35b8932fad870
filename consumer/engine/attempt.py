"""One delivery in hand, and the ways in which its job can be stopped from outside."""

import asyncio
from enum import StrEnum

from consumer.engine.job import Later, Pulse
from core.failure import Failure
from core.ports import Delivery

Result = Later | Failure | None


class Interruption(StrEnum):
    """LOST: the message is not ours any more, nothing may be written. SHUTDOWN: it is, and goes back. OUTAGE: it is,
    and waits until a downstream is there again."""

    LOST = "lost"
    SHUTDOWN = "shutdown"
    OUTAGE = "outage"


class Attempt:
    """`received_at` by Clock.monotonic; `pulse` once there is a job; `outcome` and `synthetic` once it has ended.
    `alone`: its job begins when nothing else is in hand, and nothing else is taken in hand until it has ended."""

    def __init__(self, *, delivery: Delivery, received_at: float, alone: bool = False) -> None:
        self.delivery = delivery
        self.received_at = received_at
        self.alone = alone
        self.interruption: Interruption | None = None
        self.pulse: Pulse | None = None
        self.outcome: str | None = None
        self.synthetic = False
        self._work: asyncio.Task[Result] | None = None

    def begin(self, work: asyncio.Task[Result]) -> None:
        self._work = work
        if self.interruption is not None:
            work.cancel()

    def interrupt(self, why: Interruption) -> None:
        """Cancels the job. The first reason stands, except that a loss overrides the others."""
        if self.interruption is None or why is Interruption.LOST:
            self.interruption = why
        if self._work is not None:
            self._work.cancel()
