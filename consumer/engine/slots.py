"""Concurrency arithmetic: what may be taken, what is in hand, and never more than the limit."""

import asyncio


class Slots:
    """`free + busy == limit` always. A slot is busy from before the receive that may fill it until the message that
    filled it is deleted or given back."""

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, is {limit}")
        self.limit = limit
        self._busy = 0
        self._closed = False
        self._changed = asyncio.Event()

    @property
    def busy(self) -> int:
        return self._busy

    @property
    def free(self) -> int:
        return self.limit - self._busy

    async def take(self, most: int) -> int:
        """Waits until a slot is free, then makes busy as many as are, at most `most`. 0 once closed."""
        while self.free == 0 and not self._closed:
            self._changed.clear()
            await self._changed.wait()
        taken = 0 if self._closed else min(most, self.free)
        self._busy += taken
        return taken

    def give(self, count: int = 1) -> None:
        """Makes `count` slots free again. Raises ValueError when fewer are busy."""
        if not 0 <= count <= self._busy:
            raise ValueError(f"{count} given back, {self._busy} busy")
        self._busy -= count
        self._changed.set()

    def close(self) -> None:
        """Nothing is taken any more; who waits for a slot is sent away."""
        self._closed = True
        self._changed.set()
