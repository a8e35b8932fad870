"""Progress that a decoder tells by calling back, passed on to readers once a second while the work goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from consumer.sandbox.protocol import Progress
from consumer.stages.decoder import OnProgress
from consumer.stages.stage import Bench

T = TypeVar("T")
INTERVAL_S = 1.0


async def listening(bench: Bench, work: Callable[[OnProgress], Awaitable[T]]) -> T:
    """What `work` returns. Raises what it raises, or the LEASE_LOST that passing progress on met: `work` is
    cancelled then."""
    latest = 0.0

    def hear(progress: Progress) -> None:
        nonlocal latest
        latest = progress.share

    async def pass_on() -> None:
        while True:
            await bench.tools.clock.sleep(INTERVAL_S)
            await bench.report(latest)

    async def do() -> T:
        return await work(hear)

    passing, doing = asyncio.create_task(pass_on()), asyncio.create_task(do())
    try:
        await asyncio.wait({passing, doing}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            # only an error ends it
            await passing
        return await doing
    finally:
        # `work` must have let go of its child before the next stage, or the next job, begins
        passing.cancel()
        doing.cancel()
        await asyncio.gather(passing, doing, return_exceptions=True)
