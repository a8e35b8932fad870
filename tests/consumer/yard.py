"""Records, queues and posts in memory, and reconcilers at work on them, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from consumer.figures import Figures
from consumer.reconciler import POST, Reconciler
from consumer.reconciling.leadership import Leadership
from consumer.reconciling.rules import Rules
from core.record import Record, Status, rfc3339
from core.transitions import claimed
from tests.fakes import AN_ID, MOMENT, FakeObjects, FakePosts, FakeQueue, FakeRecords, Faults, a_record

RULES = Rules(max_attempts=3, max_age_s=3600, resend_after_s=600, overdue_s=5400)


class LoopTime:
    """The virtual loop's clock; its wall clock starts at MOMENT and is `off` by so many seconds."""

    def __init__(self, off: float = 0.0) -> None:
        self._off = off
        self._start = asyncio.get_running_loop().time()

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return MOMENT.astimezone(UTC) + timedelta(seconds=self.monotonic() - self._start + self._off)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


@dataclass(kw_only=True)
class Yard:
    """The outside, and reconcilers on it."""

    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        self.records = FakeRecords(self.faults)
        self.objects = FakeObjects(self.faults)
        self.ingest = FakeQueue("ingest", faults=self.faults)
        self.analysis = FakeQueue("analysis", faults=self.faults)
        self.dead = FakeQueue("analysis-dlq", faults=self.faults, redrive_after=None)
        self.posts = FakePosts(self.faults)
        self.clock = LoopTime()
        self.figures = Figures()
        self.figures.watch_fleet(self.clock)

    def reconciler(self, holder: str = "a", *, off: float = 0.0) -> Reconciler:
        clock = LoopTime(off)
        return Reconciler(
            records=self.records,
            objects=self.objects,
            queues={"ingest": self.ingest, "analysis": self.analysis},
            dead_letters=(self.dead,),
            depths={},
            leadership=Leadership(self.posts, clock=clock, post=POST, holder=holder, term_s=90),
            clock=clock,
            rules=RULES,
            lease_s=60,
            interval_s=30,
            figures=self.figures,
        )

    @asynccontextmanager
    async def working(self, *holders: str) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.reconciler(holder).run()) for holder in holders or ("a",)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def put(self, analysis_id: str = AN_ID, **fields: Any) -> Record:
        record = a_record(analysis_id, **fields)
        await self.records.create(record)
        return record

    async def queued(self, analysis_id: str = AN_ID, *, sent: bool = True, **fields: Any) -> Record:
        now = rfc3339(self.clock.now())
        return await self.put(
            analysis_id,
            **{
                "status": Status.QUEUED,
                "queued_at": now,
                "updated_at": now,
                "object_etag": "e" if sent else None,
                "sent_at": now if sent else None,
                **fields,
            },
        )

    async def claim(self, analysis_id: str = AN_ID, message: str = "m") -> int:
        now = self.clock.now()
        change = claimed(now, owner="w", message=message, until=now.timestamp() + 60, epoch=0)
        return (await self.records.apply(analysis_id, change)).lease_token

    @property
    def record(self) -> Record:
        return self.records.stored[AN_ID]
