"""How far an analysis has come, as readers see it: the stages' shares of 100, written at most once a second."""

from collections.abc import Sequence

import structlog

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
    """Every write is fenced: LEASE_LOST here is the fastest way to learn that the work is somebody else's."""

    def __init__(self, *, lease: Lease, clock: Clock, stages: Sequence[Stage]) -> None:
        self._lease = lease
        self._clock = clock
        self._stages = stages
        self._stage = stages[0]
        self._written_at = float("-inf")

    async def enter(self, stage: Stage) -> None:
        """Always written. Raises Failure(LEASE_LOST)."""
        self._stage = stage
        await self._write(0.0)

    async def report(self, fraction: float) -> None:
        """`fraction` 0..1 of the present stage is done. Raises Failure(LEASE_LOST)."""
        if self._clock.monotonic() - self._written_at >= SECONDS_BETWEEN:
            await self._write(fraction)

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
