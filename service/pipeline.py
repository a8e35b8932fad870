"""The stored verdicts as this process last read them: however many ask, one read in a while."""

import asyncio
import time
from collections.abc import Callable

import structlog

from core.failure import Failure
from core.ports import Verdicts
from core.probing import Cadence
from service.standing import Sighting

READ_LIMIT_S = 3.0

_log = structlog.stdlib.get_logger(__name__)


class Pipeline:
    """`reads` counts the reads of the store."""

    def __init__(
        self, verdicts: Verdicts, cadence: Cadence, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.cadence = cadence
        self.reads = 0
        self._verdicts = verdicts
        self._monotonic = monotonic
        self._started = monotonic()
        self._read_at = float("-inf")
        self._seen = Sighting(readable=False)
        self._last: str | None = None
        self._last_since = monotonic()
        self._reading = asyncio.Lock()

    def fresh(self) -> Sighting | None:
        """What was read, while that is no older than a reader may go without looking again."""
        now = self._monotonic()
        if now - self._read_at > self.cadence.cache_s:
            return None
        return self._aged(now)

    @property
    def held(self) -> Sighting:
        """What was read last, however long ago; not readable before the first time."""
        return self._aged(self._monotonic())

    async def keep(self, interval_s: float) -> None:
        """Reads again and again, so that what is held is worth something where nobody asks."""
        while True:
            await asyncio.sleep(interval_s)
            await self.seen()

    async def seen(self) -> Sighting:
        """As `fresh`, read anew where there is none. Never raises: a store that does not answer is an answer."""
        async with self._reading:
            found = self.fresh()
            if found is not None:
                return found
            self._seen = await self._read()
            now = self._read_at = self._monotonic()
            board = self._seen.board
            last = board.last.run_id if board is not None and board.last is not None else None
            if last != self._last:
                self._last, self._last_since = last, now
            return self._aged(now)

    async def _read(self) -> Sighting:
        self.reads += 1
        try:
            async with asyncio.timeout(READ_LIMIT_S):
                board, archive = await asyncio.gather(self._verdicts.board(), self._verdicts.archive())
        except (Failure, TimeoutError, ValueError) as error:
            # ValueError: what lies there is no verdict that this version reads
            _log.warning("pipeline.verdict.unreadable", reason=type(error).__name__)
            return Sighting(readable=False)
        return Sighting(board=board, archive=archive)

    def _aged(self, now: float) -> Sighting:
        held = now - self._last_since if self._last is not None else 0.0
        return Sighting(
            board=self._seen.board,
            archive=self._seen.archive,
            readable=self._seen.readable,
            held_s=held,
            up_s=now - self._started,
        )
