"""Nobody waits for ever: finds the analyses that do not get on, and sends them on their way or ends them.

Every worker has one, and one of them leads. Should two think so for a moment, nothing is done twice that matters: a
record is written under the revision that was seen, and a message too many finds its work taken or done.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from consumer.ending import log_failed
from consumer.engine.caught import caught
from consumer.engine.clock import Clock
from consumer.figures import Figures
from consumer.lease import Sightings
from consumer.message import record_context
from consumer.reconciling.leadership import Leadership
from consumer.reconciling.rules import (
    Act,
    Close,
    Resend,
    Rules,
    TakeBack,
    about_held,
    about_queued,
    is_overdue,
    is_quiet,
)
from core.failure import Failure
from core.messages import Job, Kind
from core.ports import Objects, Queue, Records
from core.record import Record, Status, rfc3339
from core.transitions import Change, Conflict, closed, expired, reclaimed, resent

log = structlog.stdlib.get_logger(__name__)
POST = "reconciler"
PAGE = 100
MOST_PAGES = 20
RESIGN_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Reconciler:
    """`lease_s` is how long a worker's lease lasts, `interval_s` the pause between two rounds. `dead_letters` are the
    queues whose depths go into `depths` while this process leads."""

    records: Records
    objects: Objects
    queues: Mapping[Kind, Queue]
    dead_letters: Sequence[Queue]
    depths: MutableMapping[str, int]
    leadership: Leadership
    clock: Clock
    rules: Rules
    lease_s: float
    interval_s: float
    figures: Figures = field(default_factory=Figures)
    sightings: Sightings = field(default_factory=Sightings)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """At work beside the block."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def run(self) -> None:
        """For ever, whatever fails."""
        try:
            while True:
                await self._safely(self.round())
                await self.clock.sleep(self.interval_s)
        finally:
            await self._resign()

    async def round(self) -> None:
        """One look at everything, where this process leads. Raises Failure(STORE_UNAVAILABLE)."""
        if not await self.leadership.keep():
            # the leader's figures are the fleet's
            self.depths.clear()
            self.figures.fleet.resigned()
            return
        self.figures.fleet.leads = True
        for step in (self._held, self._queued, self._uploads, self._dead_letters):
            await self._safely(step())

    async def _held(self) -> None:
        """The leases, those included that still stand: it is their not moving that tells."""
        now = self.clock.now()
        for record in await self.records.stale(before=now.timestamp() + self.lease_s, limit=PAGE * MOST_PAGES):
            left = self.sightings.left(record, moment=self.clock.monotonic(), seconds=self.lease_s)
            act = about_held(record, now=now, abandoned=left == 0.0, rules=self.rules)
            if act is not None:
                self.sightings.forget(record.analysis_id)
                await self._do(act)

    async def _queued(self) -> None:
        found = await self._all(Status.QUEUED)
        self.figures.fleet.waiting_since = _longest_wait(found)
        acts = about_queued(
            found,
            now=self.clock.now(),
            ingest_depth=await self._depth("ingest", found),
            analysis_depth=await self._depth("analysis", found),
            rules=self.rules,
        )
        for act in acts:
            await self._do(act)

    async def _uploads(self) -> None:
        """An upload that nobody told of is looked for before it is given up."""
        now = self.clock.now()
        for record in await self._all(Status.PENDING_UPLOAD):
            if is_overdue(record, now, self.rules) and is_quiet(record, now, self.rules):
                await self._safely(self._overdue(record))

    async def _overdue(self, record: Record) -> None:
        if await self.objects.head(record.key) is not None:
            await self._do(Resend(record=record, kind="ingest"))
        elif await self._applied(record, expired(self.clock.now())):
            with bound_contextvars(**record_context(record)):
                log.info("reconciler.expired")

    async def _dead_letters(self) -> None:
        for queue in self.dead_letters:
            depth = await queue.depth()
            if depth > self.depths.get(queue.name, 0):
                log.error("dead_letters.arrived", queue=queue.name, depth=depth)
            self.depths[queue.name] = depth

    async def _do(self, act: Act) -> None:
        if self.leadership.holds:
            with bound_contextvars(**record_context(act.record)):
                await self._safely(self._carry_out(act))

    async def _carry_out(self, act: Act) -> None:
        record, now = act.record, self.clock.now()
        match act:
            case Close(failure=failure, revision=revision):
                if await self._applied(record, closed(now, failure, epoch=record.epoch, revision=revision)):
                    log.warning("reconciler.closed", attempt=record.attempt, reason=failure.detail)
                    log_failed(failure, attempt=record.attempt, stage=record.stage)
                    self.figures.failed(failure.code, synthetic=record.synthetic)
            case TakeBack():
                if await self._applied(record, reclaimed(now, revision=record.revision)):
                    log.warning("reconciler.taken_back", attempt=record.attempt, stage=record.stage)
            case Resend(kind=kind):
                await self._send(record, kind)

    async def _send(self, record: Record, kind: Kind) -> None:
        job = Job(
            kind=kind,
            analysis_id=record.analysis_id,
            epoch=record.epoch,
            traceparent=record.traceparent,
            synthetic=record.synthetic,
        )
        # sent first, noted second: a crash in between makes a duplicate, which the analysis lease absorbs
        await self.queues[kind].send(job.body(), job.attributes())
        log.warning("reconciler.resent", kind=kind, since=record.updated_at)
        await self._applied(record, resent(self.clock.now(), epoch=record.epoch))

    async def _applied(self, record: Record, change: Change) -> bool:
        """False where somebody else has moved it meanwhile: then it gets on."""
        try:
            await self.records.apply(record.analysis_id, change)
        except Conflict:
            return False
        return True

    async def _all(self, status: Status) -> list[Record]:
        """The longest quiet first, as many as one round looks at."""
        before = rfc3339(self.clock.now())
        found: list[Record] = []
        for _ in range(MOST_PAGES):
            last = found[-1] if found else None
            page = await self.records.waiting(before=before, limit=PAGE, status=status, after=last)
            found += page
            if len(page) < PAGE:
                break
        return found

    async def _depth(self, kind: Kind, found: Sequence[Record]) -> int:
        """Where the queue does not say, all of them count as waiting for their turn."""
        depth = await caught(self.queues[kind].depth(), doing="reconciling")
        if isinstance(depth, Failure):
            self.figures.fleet.depths.pop(self.queues[kind].name, None)
            return len(found)
        self.figures.fleet.depths[self.queues[kind].name] = depth
        return depth

    async def _safely(self, step: Awaitable[None]) -> None:
        failure = await caught(step, doing="reconciling")
        if failure is not None:
            log.warning("reconciler.failed", error=str(failure))

    async def _resign(self) -> None:
        try:
            async with self.clock.timeout(RESIGN_S):
                await self._safely(self.leadership.resign())
        except TimeoutError:
            log.warning("reconciler.failed", error="no answer to a resignation")


def _longest_wait(queued: Sequence[Record]) -> datetime | None:
    """Since when the users' analysis that waits longest has been queued; a probe's wait is its verdict's business."""
    since = [record.queued_at or record.created_at for record in queued if not record.synthetic]
    return datetime.fromisoformat(min(since)) if since else None
