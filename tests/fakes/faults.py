"""Faults for the fakes: what goes wrong, at which call. One object may serve several fakes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Self


@dataclass(frozen=True, kw_only=True)
class _Fault:
    when: Literal["before", "after", "hang"]
    error: Exception | None = None


class Faults:
    """Methods are named "objects.head", "records.apply", and for a queue "<its name>.send". Calls count from 1.

    `calls` keeps the name of every call in order, so a test can run once without a fault, and then once for each call
    in `calls` with `nth`.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._counts: Counter[str] = Counter()
        self._faults: dict[tuple[str, int], _Fault] = {}
        self._broken: dict[str, Exception] = {}

    def at(self, method: str, call: int, error: Exception) -> Self:
        """The method's n-th call raises, and has no effect."""
        self._faults[method, call] = _Fault(when="before", error=error)
        return self

    def after(self, method: str, call: int, error: Exception) -> Self:
        """The method's n-th call has its effect and raises then: the reply was lost."""
        self._faults[method, call] = _Fault(when="after", error=error)
        return self

    def hang(self, method: str, call: int) -> Self:
        """The method's n-th call never answers."""
        self._faults[method, call] = _Fault(when="hang")
        return self

    def nth(self, call: int, error: Exception) -> Self:
        """The n-th call of all raises, whatever its method."""
        return self.at("*", call, error)

    def broken(self, method: str, error: Exception) -> Self:
        """Every call raises, until `heal`."""
        self._broken[method] = error
        return self

    def heal(self, method: str) -> Self:
        self._broken.pop(method, None)
        return self

    def count(self, method: str) -> int:
        return self._counts[method]

    @asynccontextmanager
    async def around(self, method: str) -> AsyncIterator[None]:
        """The fakes put every call inside this."""
        await asyncio.sleep(0)  # as the network would: other tasks get their turn, and a cancellation arrives
        self.calls.append(method)
        self._counts[method] += 1
        fault = self._faults.get((method, self._counts[method])) or self._faults.get(("*", len(self.calls)))
        if fault and fault.when == "hang":
            await asyncio.Event().wait()
        if fault and fault.error and fault.when == "before":
            raise fault.error
        if method in self._broken:
            raise self._broken[method]
        yield
        if fault and fault.error and fault.when == "after":
            raise fault.error
