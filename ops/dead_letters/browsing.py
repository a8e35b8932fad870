"""A dead-letter queue, looked through without eating it: every message is taken once and made visible again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Kind
from core.ports import Queue
from ops.dead_letters.letter import Letter, read_letter

HOLD_S = 300
AT_A_TIME = 10
WAIT_S = 1
"""With a wait SQS asks all of its servers, not some: then a poll that brings nothing says that nothing is left."""


class Shelf:
    """`hold_s`: how long a letter stays hidden from others while we look, should this process be killed."""

    def __init__(self, queue: Queue, kind: Kind, *, hold_s: int) -> None:
        self._queue = queue
        self._kind: Kind = kind
        self._hold_s = hold_s
        self._receipts: dict[str, str] = {}

    async def letters(self) -> AsyncIterator[Letter]:
        """Each once, until none is left to see."""
        known = set[str]()
        while found := await self._queue.receive(limit=AT_A_TIME, wait_s=WAIT_S, visibility_s=self._hold_s):
            for delivery in found:
                self._receipts[delivery.message_id] = delivery.receipt
            for delivery in found:
                # one that was passed over comes again where this takes longer than the hold
                if delivery.message_id not in known:
                    known.add(delivery.message_id)
                    yield read_letter(self._kind, delivery)

    async def remove(self, letter: Letter) -> None:
        """For good. Raises Failure(QUEUE_UNAVAILABLE)."""
        receipt = self._receipts.get(letter.message_id, letter.delivery.receipt)
        if await self._queue.delete([receipt]):
            raise Failure(ErrorCode.QUEUE_UNAVAILABLE, f"{self._queue.name} did not delete {letter.message_id}")
        self._receipts.pop(letter.message_id, None)

    async def put_back(self) -> None:
        """All that were taken and not removed."""
        receipts = list(self._receipts.values())
        self._receipts.clear()
        for at in range(0, len(receipts), AT_A_TIME):
            await asyncio.gather(*(self._show(receipt) for receipt in receipts[at : at + AT_A_TIME]))

    async def _show(self, receipt: str) -> None:
        try:
            await self._queue.change_visibility(receipt, 0)
        except Failure:
            # it shows itself when its time is up
            return


@asynccontextmanager
async def browsing(queue: Queue, kind: Kind, *, hold_s: int = HOLD_S) -> AsyncIterator[Shelf]:
    shelf = Shelf(queue, kind, hold_s=hold_s)
    try:
        yield shelf
    finally:
        await shelf.put_back()
