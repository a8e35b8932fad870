"""Posts and breakers in memory."""

from datetime import datetime

from core.ports import Term
from tests.fakes.faults import Faults


class FakePosts:
    """`held` is what is there; `swaps` keeps every term that came to be."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.held: dict[str, Term] = {}
        self.swaps: list[Term] = []

    async def term(self, post: str) -> Term | None:
        async with self.faults.around("posts.term"):
            return self.held.get(post)

    async def swap(self, post: str, *, seen: Term | None, wanted: Term) -> bool:
        async with self.faults.around("posts.swap"):
            if self.held.get(post) != seen:
                return False
            self.held[post] = wanted
            self.swaps.append(wanted)
            return True


class FakeBreakers:
    """`untils` are those that were opened."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.untils: dict[str, datetime] = {}

    async def opened(self, name: str, *, until: datetime) -> None:
        async with self.faults.around("breakers.opened"):
            self.untils[name] = until

    async def closed(self, name: str) -> None:
        async with self.faults.around("breakers.closed"):
            self.untils.pop(name, None)

    async def open_until(self, name: str) -> datetime | None:
        async with self.faults.around("breakers.open_until"):
            return self.untils.get(name)
