"""How far an analysis has come, as readers see it: the stages' shares of 100, written at most once a second."""

import asyncio
from collections.abc import Sequence

import structlog

from consumer.engine.caught import caught
from consumer.engine.clock import Clock
from consumer.lease import Lease
from consumer.stages.stage import Stage
from core.error_codes import ErrorCode
from core.failure import Failure
from core.transitions import progressed

log = structlog.stdlib.get_logger(__name__)
SECONDS_BETWEEN = 1.0
LAST_PERCENT = 99
"""100 is for what is completed."""


class Progress:
    """Every write is fenced: LEASE_LOST here is the fastest way to learn that the work is somebody else's.

    What comes too soon after a write is written when the second is over, so that readers see every change within one.
    `close` it at the end.
    """

    def __init__(self, *, lease: Lease, clock: Clock, stages: Sequence[Stage]) -> None:
        self._lease = lease
        self._clock = clock
        self._stages = stages
        self._stage = stages[0]
        self._written_at = float("-inf")
        self._later: asyncio.Task[None] | None = None
        self._writing_later = False
        self._latest = 0.0

    async def enter(self, stage: Stage) -> None:
        """Always written. Raises Failure(LEASE_LOST)."""
        await self._nothing_put_off()
        self._stage, self._latest = stage, 0.0
        await self._write(0.0)

    async def report(self, fraction: float) -> None:
        """`fraction` 0..1 of the present stage is done. Raises Failure(LEASE_LOST)."""
        self._latest = fraction
        left = self._written_at + SECONDS_BETWEEN - self._clock.monotonic()
        if left <= 0:
            await self._nothing_put_off()
            await self._write(fraction)
        elif self._later is None or self._later.done():
            self._later = asyncio.create_task(self._write_in(left))

    async def close(self) -> None:
        """What was put off is not written any more."""
        self._writing_later = False
        await self._nothing_put_off()

    async def _nothing_put_off(self) -> None:
        """A write on its way is let to end: it must not come after the next one."""
        later, self._later = self._later, None
        if later is None:
            return
        if not self._writing_later:
            later.cancel()
        await asyncio.wait({later})

    async def _write_in(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        # whom it concerns learns of a lost lease from the next report, or from the heartbeat
        self._writing_later = True
        await caught(self._write(self._latest), doing="writing progress")
        self._writing_later = False

    async def _write(self, fraction: float) -> None:
        self._written_at = self._clock.monotonic()
        percent = overall(self._stages, self._stage, fraction)
        change = progressed(self._clock.now(), token=self._lease.token, stage=self._stage.name, progress=percent)
        try:
            await self._lease.write(change)
        except Failure as failure:
            if failure.code is ErrorCode.LEASE_LOST:
                raise
            # only readers miss it; whether the lease still stands is the heartbeat's business
            log.warning("progress.not_written", error=str(failure))


def overall(stages: Sequence[Stage], stage: Stage, fraction: float) -> int:
    """0..99: the shares of the stages before this one, and this fraction of its own."""
    total = sum(one.share for one in stages)
    before = sum(one.share for one in stages[: stages.index(stage)])
    percent = 100 * (before + stage.share * min(1.0, max(0.0, fraction))) / total
    return min(LAST_PERCENT, int(percent))
