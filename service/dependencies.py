"""Whether bucket, queues and record table answer, and what waits in them: looked at in the background, read by /health
without a wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, TypeVar

import structlog

from core.failure import Failure
from core.ports import CACHE
from core.record import rfc3339
from service.outside import Outside, Pingable

Availability = Literal["available", "unavailable", "not_configured"]
State = Literal["starting", "running", "stale", "stopped"]
T = TypeVar("T")

NAMES = ("s3", "sqs", "store", "redis")
_NO_KEY = "health/nothing-lies-here"
_NO_ID = "00000000-0000-0000-0000-000000000000"
_STALE_AFTER = 3

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Messages that wait in each queue (about), and for how many seconds the oldest analysis has waited; None where
    that could not be read, and 0.0 where nothing waits."""

    ingest: int | None = None
    analysis: int | None = None
    oldest_s: float | None = None


UNKNOWN = Backlog()
Probe = Callable[[], Awaitable[Backlog]]
"""Says what waits there, where it knows of any."""


class DependencyCheck:
    """`run` looks every `interval_s`, for ever; the answers below are about its last look.

    The counters of the workers' cache are read along with it.
    What nobody has looked at, or not for three intervals, counts as unavailable: unknown is never healthy.
    """

    def __init__(
        self, outside: Outside, *, interval_s: float, limit_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._probes = _probes(outside)
        self._counters = outside.counters
        self.cache: Mapping[str, int] = {}
        self._interval_s = interval_s
        self._limit_s = limit_s
        self._now = now
        self._found: Mapping[str, Backlog | None] = {}
        self._at: float | None = None
        self._first = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> asyncio.Task[None]:
        self._task = asyncio.create_task(self.run(), name="dependency check")
        self._task.add_done_callback(_tell_of_the_end)
        return self._task

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self._interval_s)

    async def look(self) -> None:
        looks = [self._answers(name, probe) for name, probe in self._probes.items()]
        *found, _ = await asyncio.gather(*looks, self._answers("counters", self._read_counters))
        now = dict(zip(self._probes, found, strict=True))
        for name, answer in now.items():
            available = answer is not None
            if available != (self._found.get(name, UNKNOWN) is not None):
                _log.warning("dependency.changed", dependency=name, available=available)
        self._found = now
        self._at = self._now()
        self._first.set()

    async def first_look(self) -> None:
        await self._first.wait()

    @property
    def looked(self) -> bool:
        return self._at is not None

    @property
    def age_s(self) -> float | None:
        return None if self._at is None else self._now() - self._at

    @property
    def state(self) -> State:
        if self._task is not None and self._task.done():
            return "stopped"
        if self.age_s is None:
            return "starting"
        return "stale" if self.age_s > _STALE_AFTER * self._interval_s + self._limit_s else "running"

    async def _read_counters(self) -> None:
        self.cache = await self._counters.read(CACHE)

    def availability(self, name: str) -> Availability:
        if name not in self._probes:
            return "not_configured"
        known = self.state == "running" and self._found.get(name) is not None
        return "available" if known else "unavailable"

    @property
    def backlog(self) -> Backlog:
        if self.state != "running":
            return UNKNOWN
        queues, store = (self._found.get(name) or UNKNOWN for name in ("sqs", "store"))
        return replace(queues, oldest_s=store.oldest_s)

    async def _answers(self, name: str, probe: Callable[[], Awaitable[T]]) -> T | None:
        """What the dependency said; None where it did not."""
        try:
            async with asyncio.timeout(self._limit_s):
                return await probe()
        except (Failure, TimeoutError) as error:
            _log.debug("dependency.silent", dependency=name, reason=repr(error))
            return None


def _probes(outside: Outside) -> Mapping[str, Probe]:
    async def queues() -> Backlog:
        ingest, analysis = await asyncio.gather(outside.ingest.depth(), outside.analysis.depth())
        return Backlog(ingest=ingest, analysis=analysis)

    async def bucket() -> Backlog:
        await outside.objects.head(_NO_KEY)
        return UNKNOWN

    async def store() -> Backlog:
        await outside.records.get(_NO_ID)
        now = outside.now()
        waiting = await outside.records.waiting(before=rfc3339(now), limit=1)
        since = [datetime.fromisoformat(record.queued_at or record.updated_at) for record in waiting]
        return Backlog(oldest_s=max(((now - moment).total_seconds() for moment in since), default=0.0))

    found: dict[str, Probe] = {"s3": bucket, "sqs": queues, "store": store}
    return found if outside.cache is None else {**found, "redis": _pinging(outside.cache)}


def _pinging(cache: Pingable) -> Probe:
    async def ping() -> Backlog:
        await cache.ping()
        return UNKNOWN

    return ping


def _tell_of_the_end(task: asyncio.Task[None]) -> None:
    """The web app would go on answering 200 with a dead task; the log and /health say that it died."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("dependency.check.died", exc_info=error)
