"""Time for the fakes: the event loop's own, or one that moves only when a test says so."""

import asyncio
import heapq
import itertools
from typing import Protocol


class Clock(Protocol):
    """Seconds from an unknown start, never going back."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class LoopClock:
    """The running event loop's clock."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ManualClock:
    """Stands still until `advance`. Starts at `start`."""

    def __init__(self, start: float = 1_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), woken))
        await woken.wait()

    async def advance(self, seconds: float) -> None:
        """Moves on, stopping at each sleeper on the way; returns once what they woke has had its turns."""
        end = self._now + seconds
        await _settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            self._now, _, woken = heapq.heappop(self._sleepers)
            woken.set()
            await _settle()
        self._now = end
        await _settle()


async def _settle() -> None:
    for _ in range(50):  # a chain of awaits inside one process needs a few turns of the loop, never this many
        await asyncio.sleep(0)
