"""A standard SQS queue in memory: visibility on a clock, receive counts, redrive, stale receipts, ghost receivers."""

import asyncio
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.aws.queue import with_reason
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery, QueueSetup
from tests.fakes.clock import Clock, LoopClock
from tests.fakes.faults import Faults

DAY_S = 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Sent:
    message_id: str
    body: str
    attributes: Mapping[str, str]
    delay_s: int = 0


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """`reason` is None where the redrive policy moved the message, not we."""

    message_id: str
    body: str
    attributes: Mapping[str, str]
    reason: str | None


@dataclass(kw_only=True)
class _Message:
    sent: Sent
    visible_at: float
    sent_at: float
    receipt: str = ""
    receives: int = 0


@dataclass(frozen=True, kw_only=True)
class _Ghost:
    """A long poll whose client went away: SQS still gives it the next message."""

    until: float
    visibility_s: int


class FakeQueue:
    """`sent`, `dead`, `deleted` (message ids) and `hidden` (message id, seconds) keep what was done; `redrive_after` is
    the redrive policy's maxReceiveCount, None for a queue without one; `set_up` is what `setup` answers. A receive
    that is cancelled while it waits swallows the next message for its visibility time, as SQS does."""

    def __init__(
        self,
        name: str = "queue",
        *,
        clock: Clock | None = None,
        faults: Faults | None = None,
        redrive_after: int | None = 8,
        set_up: QueueSetup | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self.sent: list[Sent] = []
        self.dead: list[DeadLetter] = []
        self.deleted: list[str] = []
        self.hidden: list[tuple[str, int]] = []
        self.set_up = set_up or QueueSetup(
            visibility_s=60,
            retention_s=4 * DAY_S,
            max_receives=redrive_after,
            dead_letters=None if redrive_after is None else f"{name}-dlq",
            dead_retention_s=None if redrive_after is None else 14 * DAY_S,
        )
        self._name = name
        self._clock: Clock = clock or LoopClock()
        self._redrive_after = redrive_after
        self._messages: list[_Message] = []
        self._ghosts: list[_Ghost] = []
        self._ids = itertools.count(1)
        self._arrival = asyncio.Event()

    @property
    def name(self) -> str:
        return self._name

    @property
    def bodies(self) -> list[str]:
        """The messages that are on the queue now, visible or not."""
        return [message.sent.body for message in self._messages]

    async def send(self, body: str, attributes: Mapping[str, str], *, delay_s: int = 0) -> str:
        _check("delay_s", delay_s, 0, 900)
        _check("attributes", len(attributes), 0, 10)
        async with self.faults.around(f"{self._name}.send"):
            sent = Sent(message_id=self._id(), body=body, attributes=dict(attributes), delay_s=delay_s)
            self.sent.append(sent)
            self._messages.append(
                _Message(sent=sent, visible_at=self._clock.now() + delay_s, sent_at=self._clock.now())
            )
            self._wake()
            return sent.message_id

    async def receive(self, *, limit: int, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        _check("limit", limit, 1, 10)
        _check("wait_s", wait_s, 0, 20)
        _check("visibility_s", visibility_s, 0, 43200)
        async with self.faults.around(f"{self._name}.receive"):
            until = self._clock.now() + wait_s
            while not (found := self._take(limit, visibility_s)) and self._clock.now() < until:
                try:
                    await self._wait(min(until, self._next_visible()))
                except asyncio.CancelledError:
                    self._ghosts.append(_Ghost(until=until, visibility_s=visibility_s))
                    raise
            return found

    async def delete(self, receipts: Sequence[str]) -> Sequence[str]:
        _check("receipts", len(receipts), 1, 10)
        async with self.faults.around(f"{self._name}.delete"):
            for receipt in receipts:
                message = self._find(receipt)
                if message is not None:
                    self._messages.remove(message)
                    self.deleted.append(message.sent.message_id)
            return ()

    async def change_visibility(self, receipt: str, seconds: int) -> None:
        _check("seconds", seconds, 0, 43200)
        async with self.faults.around(f"{self._name}.change_visibility"):
            message = self._find(receipt)
            if message is None or message.visible_at <= self._clock.now():
                raise Failure(ErrorCode.LEASE_LOST, "the receipt is stale")
            message.visible_at = self._clock.now() + seconds
            self.hidden.append((message.sent.message_id, seconds))
            self._wake()

    async def dead_letter(self, delivery: Delivery, *, reason: str) -> None:
        async with self.faults.around(f"{self._name}.dead_letter"):
            attributes = with_reason(delivery.attributes, reason)
            letter = DeadLetter(message_id=self._id(), body=delivery.body, attributes=attributes, reason=reason)
            self.dead.append(letter)

    async def depth(self) -> int:
        async with self.faults.around(f"{self._name}.depth"):
            return len(self._visible())

    async def setup(self) -> QueueSetup:
        async with self.faults.around(f"{self._name}.setup"):
            return self.set_up

    def _id(self) -> str:
        return f"{self._name}-{next(self._ids)}"

    def _visible(self) -> list[_Message]:
        now = self._clock.now()
        return [message for message in self._messages if message.visible_at <= now]

    def _next_visible(self) -> float:
        return min((message.visible_at for message in self._messages), default=math.inf)

    def _find(self, receipt: str) -> _Message | None:
        return next((message for message in self._messages if message.receipt == receipt), None)

    def _take(self, limit: int, visibility_s: int) -> list[Delivery]:
        now = self._clock.now()
        self._ghosts = [ghost for ghost in self._ghosts if ghost.until > now]
        while self._ghosts and self._visible():
            self._receive(self._visible()[0], self._ghosts.pop(0).visibility_s)
        self._redrive()
        return [self._receive(message, visibility_s) for message in self._visible()[:limit]]

    def _redrive(self) -> None:
        limit = self._redrive_after
        spent = [m for m in self._visible() if limit is not None and m.receives >= limit]
        for message in spent:
            self._messages.remove(message)
            sent = message.sent
            letter = DeadLetter(message_id=sent.message_id, body=sent.body, attributes=sent.attributes, reason=None)
            self.dead.append(letter)

    def _receive(self, message: _Message, visibility_s: int) -> Delivery:
        message.receives += 1
        message.receipt = f"{message.sent.message_id}#{message.receives}"
        message.visible_at = self._clock.now() + visibility_s
        return Delivery(
            message_id=message.sent.message_id,
            receipt=message.receipt,
            body=message.sent.body,
            receive_count=message.receives,
            attributes=message.sent.attributes,
            sent_at=message.sent_at,
        )

    def _wake(self) -> None:
        self._arrival.set()
        self._arrival = asyncio.Event()

    async def _wait(self, until: float) -> None:
        """Until a message may have become visible, or that moment."""
        arrival = asyncio.ensure_future(self._arrival.wait())
        sleep = asyncio.ensure_future(self._clock.sleep(until - self._clock.now()))
        try:
            await asyncio.wait({arrival, sleep}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            arrival.cancel()
            sleep.cancel()


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name} must be {low}..{high}, is {value}")
