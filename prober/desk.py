"""The board, as the holder of the lease writes on it: read, change, compare-and-set, again when somebody was faster."""

from collections.abc import Callable

from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Verdicts
from core.verdicts import Archive, Board, Run, archived
from prober.lease import LeaseLost

TRIES = 20
Edit = Callable[[Board], Board]


class Desk:
    """`token` is that of the lease; nothing is written once a higher one has been seen."""

    def __init__(self, verdicts: Verdicts, *, token: int) -> None:
        self._verdicts = verdicts
        self._token = token

    async def begin(self, edit: Edit) -> Board:
        """The first write: from now on every earlier holder is fenced off. Raises LeaseLost."""
        return await self.write(lambda board: edit(board.model_copy(update={"token": self._token})))

    async def write(self, edit: Edit) -> Board:
        """The board after the edit. Raises LeaseLost; Failure(STORE_UNAVAILABLE)."""
        for _ in range(TRIES):
            seen = await self._verdicts.board()
            board = seen or Board()
            if board.token > self._token:
                raise LeaseLost(f"token {self._token} was followed by {board.token}")
            written = await self._verdicts.swap(seen=seen, wanted=edit(board))
            if written is not None:
                return written
        raise Failure(ErrorCode.STORE_UNAVAILABLE, "the board is written by too many")

    async def file(self, run: Run, *, interval_s: float) -> Archive:
        """Raises LeaseLost; Failure(STORE_UNAVAILABLE)."""
        archive = archived(await self._verdicts.archive(), run, interval_s=interval_s)
        if not await self._verdicts.keep(archive, token=self._token):
            raise LeaseLost(f"token {self._token} is not the newest")
        return archive
