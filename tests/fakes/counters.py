"""Counters in memory."""

from collections import Counter
from collections.abc import Mapping

from tests.fakes.faults import Faults


class FakeCounters:
    """`held` by name."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.held: dict[str, Counter[str]] = {}

    async def add(self, name: str, amounts: Mapping[str, int]) -> None:
        async with self.faults.around("counters.add"):
            self.held.setdefault(name, Counter()).update(dict(amounts))

    async def read(self, name: str) -> Mapping[str, int]:
        async with self.faults.around("counters.read"):
            return dict(self.held.get(name, {}))
