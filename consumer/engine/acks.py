"""Deletes, together: up to ten a request, each retried until its message is about to be visible again."""

import asyncio
from dataclasses import dataclass

import structlog

from consumer.engine.caught import caught
from consumer.engine.clock import set_within
from consumer.engine.limits import RECEIVE_MOST
from consumer.engine.policy import jittered
from consumer.engine.setup import Setup
from core.failure import Failure

log = structlog.stdlib.get_logger(__name__)
CALL_LIMIT_S = 10.0
RETRY_CAP_S = 5.0


@dataclass(frozen=True, kw_only=True)
class _Wish:
    receipt: str
    until: float
    deleted: asyncio.Future[bool]


class Acks:
    """`run` is its background task."""

    def __init__(self, setup: Setup) -> None:
        self._queue = setup.queue
        self._clock = setup.clock
        self._chance = setup.chance
        self._window_s = setup.limits.ack_window_s
        # with so many waiting no other can come, and the batch goes at once
        self._company = min(setup.limits.concurrency, RECEIVE_MOST)
        self._waiting: list[_Wish] = []
        self._some = asyncio.Event()
        self._enough = asyncio.Event()
        self._failures = 0

    async def delete(self, receipt: str, *, until: float) -> bool:
        """True once the message is gone; False when that did not work before the moment `until`."""
        wish = _Wish(receipt=receipt, until=until, deleted=asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        self._mark()
        return await wish.deleted

    async def run(self) -> None:
        """Deletes what is wished for, until cancelled."""
        while True:
            await self._some.wait()
            await set_within(self._clock, self._enough, self._window_s)
            batch, self._waiting = self._waiting[:RECEIVE_MOST], self._waiting[RECEIVE_MOST:]
            self._mark()
            left = await self._flush([wish for wish in batch if not wish.deleted.done()])
            self._waiting.extend(left)
            self._mark()
            if left:
                await self._clock.sleep(jittered(1.0, RETRY_CAP_S, self._failures, self._chance))

    async def _flush(self, batch: list[_Wish]) -> list[_Wish]:
        """Deletes the batch; returns those that are worth another try."""
        if not batch:
            return []
        refused = await caught(self._delete([wish.receipt for wish in batch]), doing="deleting")
        lost = {wish.receipt for wish in batch} if isinstance(refused, Failure) else set(refused)
        self._failures = self._failures + 1 if lost else 0
        left = []
        for wish in batch:
            if wish.receipt not in lost:
                _answer(wish, True)
            elif self._clock.monotonic() >= wish.until:
                log.warning("message.delete.given_up", error=str(refused) if isinstance(refused, Failure) else None)
                _answer(wish, False)
            else:
                left.append(wish)
        return left

    async def _delete(self, receipts: list[str]) -> list[str]:
        try:
            async with self._clock.timeout(CALL_LIMIT_S):
                return list(await self._queue.delete(receipts))
        except TimeoutError:
            return receipts

    def _mark(self) -> None:
        _set_if(self._some, len(self._waiting) > 0)
        _set_if(self._enough, len(self._waiting) >= self._company)


def _answer(wish: _Wish, deleted: bool) -> None:
    # its waiter may have been cancelled while the request was on its way
    if not wish.deleted.done():
        wish.deleted.set_result(deleted)


def _set_if(event: asyncio.Event, wanted: bool) -> None:
    if wanted:
        event.set()
    else:
        event.clear()
