"""Verdicts in memory."""

from core.verdicts import Archive, Board
from tests.fakes.faults import Faults


class FakeVerdicts:
    """`swaps` keeps every board that came to be."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.held: Board | None = None
        self.kept = Archive()
        self.fence = 0
        self.swaps: list[Board] = []

    async def board(self) -> Board | None:
        async with self.faults.around("verdicts.board"):
            return self.held

    async def swap(self, *, seen: Board | None, wanted: Board) -> Board | None:
        async with self.faults.around("verdicts.swap"):
            if (self.held and self.held.revision) != (seen and seen.revision):
                return None
            self.held = wanted.model_copy(update={"revision": 1 if seen is None else seen.revision + 1})
            self.swaps.append(self.held)
            return self.held

    async def archive(self) -> Archive:
        async with self.faults.around("verdicts.archive"):
            return self.kept

    async def keep(self, archive: Archive, *, token: int) -> bool:
        async with self.faults.around("verdicts.keep"):
            if token < self.fence:
                return False
            self.kept, self.fence = archive, token
            return True
