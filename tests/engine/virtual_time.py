"""An event loop that never waits: when nothing is left to do but wait, its clock jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

THREAD_LIMIT_S = 20.0


class _Jump(selectors.DefaultSelector):
    """`jump` moves the clock; `threads` says whether a thread is at work for the loop, and then time stands still."""

    def __init__(self, jump: Callable[[float], None], threads: Callable[[], int]) -> None:
        super().__init__()
        self._jump = jump
        self._threads = threads

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._threads() or timeout is None:
            ready = super().select(THREAD_LIMIT_S)
            if not ready:
                raise RuntimeError("nothing will ever happen: every task waits, and no timer is set")
            return ready
        self._jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._moment = 1_000.0
        self._threads = 0
        super().__init__(_Jump(self._forward, lambda: self._threads))

    def time(self) -> float:
        return self._moment

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        self._threads += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._thread_ended)
        return future

    def stall(self, seconds: float) -> None:
        """As if code had blocked the loop for so long."""
        self._moment += seconds

    def _forward(self, seconds: float) -> None:
        self._moment += seconds

    def _thread_ended(self, _: asyncio.Future[Any]) -> None:
        self._threads -= 1
