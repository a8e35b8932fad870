"""Looking at dead letters, sending them again, deleting them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Kind
from core.ports import VISION_MODEL, Breakers, Queue, Records
from core.record import Record
from core.transitions import Conflict, reopened
from ops.dead_letters.browsing import AT_A_TIME, HOLD_S, Shelf, browsing
from ops.dead_letters.letter import Letter, Wish
from ops.dead_letters.redriving import Reopen, Send, Skip, next_step

LONGEST_HOLD_S = 43_200
MOST_STEPS = 100
"""A letter is decided about again after each step: this many uploads of one event, or races with others."""

Did = Literal["redriven", "would_redrive", "skipped", "purged"]


class BreakerIsOpen(Exception):
    """The text says which, and until when."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    letter: Letter
    did: Did
    why: str | None = None


Tell = Callable[[Outcome], None]


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How many letters at most, how many a second (None: as fast as it goes), and whether anything is done at all."""

    limit: int
    rate: float | None = None
    dry_run: bool = False

    @property
    def hold_s(self) -> int:
        """Long enough for one receive's letters at this rate."""
        return HOLD_S if self.rate is None else min(LONGEST_HOLD_S, HOLD_S + round(2 * AT_A_TIME / self.rate))


@dataclass(frozen=True, kw_only=True)
class Place:
    """The outside: `queues` are those that letters came from, `dead` their dead-letter queues."""

    queues: Mapping[Kind, Queue]
    dead: Mapping[Kind, Queue]
    records: Records
    breakers: Breakers
    now: Callable[[], datetime]
    pause: Callable[[float], Awaitable[None]]

    async def found(self, kinds: Sequence[Kind], wish: Wish, *, limit: int) -> list[Letter]:
        """At most so many letters; all of them are visible again at the end."""
        lots = await asyncio.gather(*(self._found(kind, wish, limit) for kind in kinds))
        return [letter for lot in lots for letter in lot][:limit]

    async def _found(self, kind: Kind, wish: Wish, limit: int) -> list[Letter]:
        async with browsing(self.dead[kind], kind) as shelf:
            return [letter async for letter in self._wished(shelf, wish, limit)]

    async def records_of(self, letter: Letter) -> dict[str, Record]:
        found = {analysis_id: await self.records.get(analysis_id) for analysis_id in letter.analysis_ids}
        return {analysis_id: record for analysis_id, record in found.items() if record is not None}

    async def redrive(self, kind: Kind, wish: Wish, pace: Pace, tell: Tell) -> None:
        """One outcome a letter. Raises BreakerIsOpen, between two letters, Failure when the outside does not answer."""
        await self.refuse_if_open()
        async with browsing(self.dead[kind], kind, hold_s=pace.hold_s) as shelf:
            async for letter in self._wished(shelf, wish, pace.limit):
                outcome = await self._redrive(shelf, letter, dry_run=pace.dry_run)
                tell(outcome)
                if pace.rate is not None and outcome.did == "redriven":
                    await self.pause(1 / pace.rate)

    async def purge(self, kind: Kind, ids: frozenset[str], tell: Tell) -> None:
        """Deletes the letters with these message ids: those that somebody has looked at, and no other."""
        async with browsing(self.dead[kind], kind) as shelf:
            async for letter in self._wished(shelf, Wish(ids=ids), limit=len(ids)):
                await shelf.remove(letter)
                tell(Outcome(letter=letter, did="purged"))

    async def refuse_if_open(self) -> None:
        until = await self.breakers.open_until(VISION_MODEL)
        if until is not None and until > self.now():
            raise BreakerIsOpen(f"the breaker {VISION_MODEL} is open, at least until {until:%H:%M:%S} UTC")

    async def _wished(self, shelf: Shelf, wish: Wish, limit: int) -> AsyncIterator[Letter]:
        left = limit
        if left <= 0:
            return
        async for letter in shelf.letters():
            if wish.fits(letter, self.now()):
                yield letter
                left -= 1
                if left <= 0:
                    return

    async def _redrive(self, shelf: Shelf, letter: Letter, *, dry_run: bool) -> Outcome:
        """Reopened first, sent second, deleted last: a crash in between leaves a letter too many, never one too few."""
        for _ in range(MOST_STEPS):
            step = next_step(letter, await self.records_of(letter))
            if isinstance(step, Skip):
                return Outcome(letter=letter, did="skipped", why=step.why)
            if dry_run:
                return Outcome(letter=letter, did="would_redrive")
            await self.refuse_if_open()
            if isinstance(step, Send):
                await self.queues[step.queue].send(step.body, step.attributes)
                await shelf.remove(letter)
                return Outcome(letter=letter, did="redriven")
            await self._reopen(step)
        raise Failure(ErrorCode.INTERNAL, f"{letter.message_id} came to no end")

    async def _reopen(self, step: Reopen) -> None:
        try:
            await self.records.apply(step.analysis_id, reopened(self.now()))
        except Conflict:
            # somebody else has moved it: what is to be done is decided anew
            return
        except Failure as failure:
            if failure.code is not ErrorCode.ANALYSIS_NOT_FOUND:
                raise
