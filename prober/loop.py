"""`python -m prober`: a run when one is due, or when somebody wants one; for ever."""

import asyncio
import random
from dataclasses import dataclass

import structlog

from core.failure import Failure
from core.verdicts import Board, Trigger
from prober.lease import LeaseLost
from prober.schedule import pause_s
from prober.session import Prober

LOOK_S = 2.0

_log = structlog.stdlib.get_logger(__name__)


@dataclass(kw_only=True)
class Loop:
    """`due` is by the monotonic clock: no step of the wall clock makes a run early or late. `known` is the last run
    that was seen to end, whoever made it."""

    prober: Prober
    due: float
    known: str | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            trigger = await self._wanted()
            if trigger is not None:
                await self._one(trigger)
            else:
                await asyncio.sleep(LOOK_S)

    async def _wanted(self) -> Trigger | None:
        now = self.prober.outside.monotonic()
        try:
            board = await self.prober.outside.verdicts.board()
        except Failure as failure:
            _log.warning("probe.board.unreadable", error_code=failure.code)
            return None
        if board is not None:
            self._heed(board, now)
            if board.requested is not None:
                return "request"
        return "loop" if now >= self.due else None

    def _heed(self, board: Board, now: float) -> None:
        """A run of somebody else's (a cron's, another loop's) counts as ours."""
        if board.last is not None and board.last.run_id != self.known:
            if self.known is not None:
                self.due = now + self._pause(board)
            self.known = board.last.run_id

    async def _one(self, trigger: Trigger) -> None:
        started = self.prober.outside.monotonic()
        try:
            found = await self.prober.run(trigger)
        except (Failure, LeaseLost) as error:
            _log.error("probe.not_run", reason=str(error))
            found = None
        if found is None:
            self.due = self.prober.outside.monotonic() + self.prober.settings.cadence.timeout_s
            return
        run, board = found
        self.known = run.run_id
        pause = pause_s(board, run, self.prober.settings.cadence, chance=random.random())  # noqa: S311  no secret
        self.due = started + pause

    def _pause(self, board: Board) -> float:
        cadence = self.prober.settings.cadence
        return cadence.interval_s if board.last is None else pause_s(board, board.last, cadence, chance=0.5)
