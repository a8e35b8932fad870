"""Held requests: however many wait for one analysis, one task looks at its record."""

import asyncio
from collections.abc import Callable

from core.ports import Records
from core.record import Record


class _Watch:
    """One task that looks until the record is final; `latest` is what it saw before that."""

    def __init__(self, records: Records, analysis_id: str, interval_s: float) -> None:
        self.waiters = 0
        self.latest: Record | None = None
        self._records = records
        self._analysis_id = analysis_id
        self._interval_s = interval_s
        self.task = asyncio.create_task(self._look(), name=f"watch {analysis_id}")

    async def _look(self) -> Record | None:
        while True:
            record = await self._records.get(self._analysis_id)
            if record is None or record.status.is_final:
                return record
            self.latest = record
            await asyncio.sleep(self._interval_s)


class Watches:
    """`under_way` is how many analyses are watched now."""

    def __init__(self, records: Records, *, interval_s: float, presence_s: float) -> None:
        self._records = records
        self._interval_s = interval_s
        self._presence_s = presence_s
        self._watches: dict[str, _Watch] = {}
        self._closing = asyncio.Event()

    @property
    def under_way(self) -> int:
        return len(self._watches)

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    def close(self) -> None:
        """Lets everybody go who is held, with what is known by now."""
        self._closing.set()

    async def follow(self, analysis_id: str, *, limit_s: float, present: Callable[[], bool]) -> Record | None:
        """The record once it is final, or as it is after `limit_s`, when the one who asks is not `present` any more, or
        when the service closes. None without a record. Raises what the store raises."""
        watch = self._joined(analysis_id)
        try:
            await self._ended(watch.task, limit_s, present)
            if watch.task.done():
                return watch.task.result()
            return watch.latest or await self._records.get(analysis_id)
        finally:
            self._left(analysis_id, watch)

    def _joined(self, analysis_id: str) -> _Watch:
        watch = self._watches.get(analysis_id)
        if watch is None or watch.task.done():
            watch = self._watches[analysis_id] = _Watch(self._records, analysis_id, self._interval_s)
        watch.waiters += 1
        return watch

    def _left(self, analysis_id: str, watch: _Watch) -> None:
        watch.waiters -= 1
        if watch.waiters == 0:
            watch.task.cancel()
            if self._watches.get(analysis_id) is watch:
                del self._watches[analysis_id]

    async def _ended(self, task: asyncio.Task[Record | None], limit_s: float, present: Callable[[], bool]) -> None:
        """aiohttp does not tell a handler that its client went away, so that is asked now and then."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        closing = asyncio.create_task(self._closing.wait())
        try:
            while present() and (left := deadline - loop.time()) > 0:
                some = min(left, self._presence_s)
                done, _ = await asyncio.wait({task, closing}, timeout=some, return_when=asyncio.FIRST_COMPLETED)
                if done:
                    return
        finally:
            closing.cancel()
