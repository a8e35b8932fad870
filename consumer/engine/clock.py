"""Time, as an argument: the only way in which the consumer reads it or waits for it."""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, Protocol


class Clock(Protocol):
    """`monotonic` (seconds, never back) is for arithmetic, `now` is for what people read."""

    def monotonic(self) -> float: ...

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...

    def timeout(self, seconds: float) -> asyncio.Timeout: ...


class SystemClock:
    """The running event loop's clock and the wall's."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float) -> asyncio.Timeout:
        return asyncio.timeout(seconds)


async def set_within(clock: Clock, event: asyncio.Event, seconds: float) -> bool:
    """True as soon as the event is set, False once so many seconds have passed without it."""
    if event.is_set() or seconds <= 0:
        return event.is_set()
    limit = clock.timeout(seconds)
    try:
        async with limit:
            await event.wait()
    except TimeoutError:
        return event.is_set()
    return True


async def done_within(clock: Clock, tasks: Collection[asyncio.Future[Any]], seconds: float) -> bool:
    """True as soon as every task has ended, False once so many seconds have passed. Cancels none of them."""
    if tasks and seconds > 0:
        try:
            async with clock.timeout(seconds):
                await asyncio.wait(tasks)
        except TimeoutError:
            pass
    return all(task.done() for task in tasks)
