"""Decoding children, loaded before they are needed. Each does one job and goes with it.

A child that served two strangers could be told by the first what to do with the second. One that is new for each job
cannot, and costs the job nothing when it was started while the one before was at work; each has its memory laid out
anew, too, which a child forked from a loaded one would not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from consumer.sandbox.process import OpenWalls, Sandbox
from consumer.sandbox.protocol import Admitted, Ready
from consumer.sandbox.spawn import Child
from consumer.sandbox.talk import Talk
from core.error_codes import ErrorCode
from core.failure import Failure

log = structlog.stdlib.get_logger(__name__)
START_LIMIT_S = 60.0
STARTS = 3
"""How many children may die before their job begins; after that it is not their fault."""


class Pool:
    """`async with Pool(reads=[weights]) as pool`, then `async with pool.decoder() as box` for each job.

    `spares` children wait, besides those at work. `reads`: what each may open besides its clip. `command` is the
    child's program, by default ours.
    """

    def __init__(self, *, reads: Sequence[Path] = (), spares: int = 1, command: Sequence[str] | None = None) -> None:
        self._reads = reads
        self._size = spares
        self._command = command
        self._waiting: deque[asyncio.Task[Child]] = deque()
        self._ending: set[asyncio.Task[None]] = set()
        self._open_walls = OpenWalls()
        self._is_closed = False

    async def __aenter__(self) -> Self:
        self._fill()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        for task in self._waiting:
            task.cancel()
        for found in await asyncio.gather(*self._waiting, return_exceptions=True):
            if isinstance(found, Child):
                await found.close()
        self._waiting.clear()
        await asyncio.gather(*self._ending)

    @asynccontextmanager
    async def decoder(self) -> AsyncIterator[Sandbox]:
        """A child of one's own, killed at the end. Raises Failure(INTERNAL) when none starts."""
        child = await self._taken()
        try:
            yield Sandbox(child, reads=self._reads, on_admitted=self._admitted)
        finally:
            child.kill()
            # no job waits until the kernel has taken its memory apart
            ending = asyncio.create_task(child.close(), name="sandbox-ending")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            self._fill()

    def _admitted(self, admitted: Admitted) -> None:
        self._open_walls(admitted)
        # only now: to start a process takes this thread a few milliseconds, which the job would wait for
        self._fill()

    def _fill(self) -> None:
        while len(self._waiting) < self._size and not self._is_closed:
            self._start()

    def _start(self) -> None:
        self._waiting.append(asyncio.create_task(loaded(self._command), name="sandbox-spare"))

    async def _taken(self) -> Child:
        for _ in range(STARTS):
            if not self._waiting:
                self._start()
            spare = self._waiting.popleft()
            child = await self._started(spare)
            if child is None:
                continue
            if child.is_alive:
                return child
            await child.close()
            log.warning("sandbox.spare_lost")
        raise Failure(ErrorCode.INTERNAL, f"{STARTS} decoding processes did not start")

    async def _started(self, spare: asyncio.Task[Child]) -> Child | None:
        try:
            # a job that is cancelled while it waits leaves the spare to the next one
            return await asyncio.shield(spare)
        except asyncio.CancelledError:
            if not spare.cancelled():
                self._waiting.appendleft(spare)
            raise
        except (Failure, OSError) as error:
            log.warning("sandbox.start_failed", error=str(error))
            return None


@asynccontextmanager
async def open_sandbox(*reads: Path, command: Sequence[str] | None = None) -> AsyncIterator[Sandbox]:
    """One child without a pool, for one job of somebody's own: what stays open here is nobody's alarm."""
    child = await loaded(command)
    try:
        yield Sandbox(child, reads=reads, on_admitted=lambda admitted: None)
    finally:
        await child.close()


async def loaded(command: Sequence[str] | None = None) -> Child:
    """A child that has loaded its decoders. Raises Failure: DECODER_CRASHED, DECODER_TIMEOUT; OSError."""
    child = await Child.start(command)
    async with AsyncExitStack() as otherwise:
        otherwise.push_async_callback(child.close)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                reply = await Talk(child, most_progress=0).listen()
        except TimeoutError:
            raise Failure(ErrorCode.DECODER_TIMEOUT, f"not loaded within {START_LIMIT_S:g} s") from None
        if not isinstance(reply, Ready):
            raise Failure(ErrorCode.DECODER_CRASHED, "a child that starts with an answer")
        otherwise.pop_all()
    return child
