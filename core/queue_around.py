"""A queue round another one: what it does not do itself, the inner one does."""

from collections.abc import Mapping, Sequence

from core.ports import Delivery, Queue, QueueSetup


class QueueAround:
    """core.ports.Queue."""

    def __init__(self, inner: Queue) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        return self._inner.name

    async def send(self, body: str, attributes: Mapping[str, str], *, delay_s: int = 0) -> str:
        return await self._inner.send(body, attributes, delay_s=delay_s)

    async def receive(self, *, limit: int, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        return await self._inner.receive(limit=limit, wait_s=wait_s, visibility_s=visibility_s)

    async def delete(self, receipts: Sequence[str]) -> Sequence[str]:
        return await self._inner.delete(receipts)

    async def change_visibility(self, receipt: str, seconds: int) -> None:
        await self._inner.change_visibility(receipt, seconds)

    async def dead_letter(self, delivery: Delivery, *, reason: str) -> None:
        await self._inner.dead_letter(delivery, reason=reason)

    async def depth(self) -> int:
        return await self._inner.depth()

    async def setup(self) -> QueueSetup:
        return await self._inner.setup()
