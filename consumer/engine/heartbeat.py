"""Proof of life: keeps a message hidden for as long as its job gets on, and says when the message is no longer ours."""

import asyncio
from typing import Any

import structlog

from consumer.engine.caught import caught
from consumer.engine.clock import done_within
from consumer.engine.job import Pulse
from consumer.engine.setup import Setup
from core.error_codes import ErrorCode
from core.failure import Failure

log = structlog.stdlib.get_logger(__name__)
RETRY_S = 1.0
CALL_LIMIT_S = 5.0


class Heartbeat:
    """One message's. The first beat comes after a third of the visibility, so two more fit in when it fails.

    `held_until` (Clock.monotonic) is when the message is visible again as far as we know: counted from before the
    request, because the answer may have taken its time.
    """

    def __init__(self, setup: Setup, *, receipt: str, received_at: float, pulse: Pulse) -> None:
        self._queue = setup.queue
        self._clock = setup.clock
        self._limits = setup.limits
        self._receipt = receipt
        self._pulse = pulse
        self.held_until = received_at + setup.limits.visibility_s

    @property
    def safe_until(self) -> float:
        """The moment by which everything about this message must be settled."""
        return self.held_until - self._limits.safety_s

    async def run(self, work: asyncio.Future[Any]) -> str | None:
        """Beats until the work has ended: None. Otherwise why the message is lost; its job must stop now.

        A beat that is on its way when the work ends is let to end, too: cancelled, it could still reach the queue after
        the back-off that follows, and overwrite it."""
        pause = self._limits.visibility_s / 3
        while not await done_within(self._clock, {work}, min(pause, self._time_left())):
            # also after a block of the event loop: the beat that comes too late extends nothing
            if self._time_left() <= 0:
                return "its visibility ran out"
            if self._clock.monotonic() >= self._pulse.until:
                log.warning("heartbeat.withheld", reason="the job is past its deadline")
                pause = self._limits.visibility_s / 3
                continue
            failure = await caught(self._beat(), doing="beating")
            if failure is None:
                pause = self._limits.visibility_s / 3
            elif failure.code is ErrorCode.LEASE_LOST:
                return str(failure)
            else:
                log.warning("heartbeat.failed", error=str(failure), left_s=round(self._time_left(), 1))
                pause = RETRY_S
        return None

    def _time_left(self) -> float:
        return self.safe_until - self._clock.monotonic()

    async def _beat(self) -> None:
        started = self._clock.monotonic()
        try:
            async with self._clock.timeout(min(CALL_LIMIT_S, self._time_left())):
                await self._queue.change_visibility(self._receipt, self._limits.visibility_s)
                if self._pulse.renew is not None:
                    await self._pulse.renew()
        except TimeoutError:
            raise Failure(ErrorCode.QUEUE_UNAVAILABLE, "no answer to a beat") from None
        self.held_until = started + self._limits.visibility_s
