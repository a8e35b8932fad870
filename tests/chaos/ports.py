"""The real adapters, with a death at one place each."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from structlog.contextvars import get_contextvars

from consumer.scratch import Scratch
from consumer.stages.decoder import Decoder
from consumer.stages.stage import OpenDecoder
from core.aws.objects import S3Objects
from core.aws.queue import SqsQueue
from core.aws.records import DynamoRecords
from core.messages import decode
from core.ports import Delivery
from core.record import Record
from core.result import Frame
from core.transitions import Change
from tests.chaos.fates import Fates
from tests.chaos.plan import Fate

SHORTLY_S = 0.03


class MortalQueue(SqsQueue):
    """Dies with a message in hand that is not begun, or before a delete whose work is stored."""

    def __init__(self, fates: Fates, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._fates = fates
        self._held: dict[str, str] = {}

    async def receive(self, *, limit: int, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        found = await super().receive(limit=limit, wait_s=wait_s, visibility_s=visibility_s)
        for delivery in found:
            job = decode(delivery.body, dict(delivery.attributes)).job
            if job is not None:
                self._held[delivery.receipt] = job.analysis_id
                self._fates.may_kill(job.analysis_id, Fate.AFTER_RECEIVE)
        return found

    async def delete(self, receipts: Sequence[str]) -> Sequence[str]:
        for receipt in receipts:
            self._fates.may_kill(self._held.get(receipt, ""), Fate.BEFORE_ACK)
        return await super().delete(receipts)


class MortalObjects(S3Objects):
    """Dies with a clip half read, or with nothing of a result stored."""

    def __init__(self, fates: Fates, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._fates = fates

    @asynccontextmanager
    async def stream(self, key: str, *, etag: str, start: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        async with super().stream(key, etag=etag, start=start) as chunks:
            yield self._half(chunks)

    async def _half(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk[: len(chunk) // 2]
            self._fates.may_kill(present_job(), Fate.MID_DOWNLOAD)
            yield chunk[len(chunk) // 2 :]

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None:
        self._fates.may_kill(present_job(), Fate.BEFORE_STORE)
        await super().put_file(key, path, content_type=content_type)


class MortalRecords(DynamoRecords):
    """Dies once a result and the record's last word are stored, with nobody told."""

    def __init__(self, fates: Fates, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._fates = fates

    async def apply(self, analysis_id: str, change: Change) -> Record:
        record = await super().apply(analysis_id, change)
        if change.name == "completed":
            self._fates.may_kill(analysis_id, Fate.AFTER_STORE)
        return record


class MortalDecoder:
    """consumer.stages.decoder.Decoder. Dies while its child takes pictures out of a clip, and leaves an orphan."""

    def __init__(self, fates: Fates, inner: Decoder) -> None:
        self._fates = fates
        self._inner = inner
        self.probe = inner.probe
        self.measure = inner.measure

    async def extract(self, *arguments: Any, **options: Any) -> tuple[Frame, ...]:
        working = asyncio.ensure_future(self._inner.extract(*arguments, **options))
        await asyncio.wait({working}, timeout=SHORTLY_S)
        self._fates.may_kill(present_job(), Fate.MID_EXTRACT)
        return await working


def mortal(fates: Fates, open_decoder: OpenDecoder) -> OpenDecoder:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Decoder]:
        async with open_decoder() as decoder:
            yield MortalDecoder(fates, decoder)

    return opened


class FullScratch(Scratch):
    """A scratch with no room left when a job is to meet that: refused in the same place as by a disk that is full."""

    def __init__(self, fates: Fates, inner: Scratch, *, budget: int) -> None:
        super().__init__(Path(), budget=budget)
        self._fates = fates
        self._inner = inner

    @contextmanager
    def folder(self, need: int, *, cleaned: str | None = "scratch.cleaned") -> Iterator[Path]:
        others = self.budget if self._fates.comes(present_job(), Fate.SCRATCH_FULL) else 0
        self._inner.reserved += others
        try:
            with self._inner.folder(need, cleaned=cleaned) as folder:
                yield folder
        finally:
            self._inner.reserved -= others


def present_job() -> str:
    """The analysis that the present task works on, as its log lines name it."""
    return str(get_contextvars().get("analysis_id", ""))
