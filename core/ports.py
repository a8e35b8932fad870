"""What the business needs of the outside, as protocols. Real adapters are in core/aws, the fakes in tests/fakes.

Every method raises Failure with STORAGE_UNAVAILABLE, QUEUE_UNAVAILABLE or STORE_UNAVAILABLE when the outside does not
answer as it should; other errors are said at the method.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from core.record import Record, Status
from core.transitions import Change
from core.verdicts import Archive, Board


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """`sha256` (hex) is the bucket's own, of the whole object; None where it was stored without one."""

    etag: str
    size: int
    content_type: str
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class PresignedPost:
    url: str
    fields: Mapping[str, str]


class Objects(Protocol):
    """The bucket."""

    async def head(self, key: str) -> ObjectInfo | None:
        """None when there is no such object."""

    async def read(
        self, key: str, *, start: int = 0, length: int | None = None, etag: str | None = None
    ) -> bytes | None:
        """The object's bytes from `start`, at most `length` (ValueError under 1); empty past its end; None when there
        is no such object. Raises Failure(OBJECT_CHANGED) when its ETag is not `etag`."""

    def stream(self, key: str, *, etag: str, start: int = 0) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Chunks of the object from `start`. Raises Failure: OBJECT_CHANGED when its ETag is another or it is gone,
        DOWNLOAD_FAILED when the connection ends early (ask again from where it ended). Past its end: no chunk."""

    async def copy(self, key: str, target: str, *, of: ObjectInfo) -> str:
        """Copies this version, at most 5 GB, to a key at which nothing lies; returns the copy's ETag, another than its
        own. Raises Failure(OBJECT_CHANGED) when something lies there, when the ETag is not `of`'s or it is gone."""

    async def put(self, key: str, body: bytes, *, content_type: str) -> None: ...

    async def put_file(self, key: str, path: Path, *, content_type: str) -> None: ...

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes], *, content_type: str) -> int:
        """Stores what comes, with memory that does not depend on its size; returns the bytes stored.
        When `chunks` raises, nothing is left in the bucket and the error goes on."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Objects that are not there count as deleted."""

    async def presign_post(
        self, key: str, *, content_type: str, min_bytes: int, max_bytes: int, expires_s: int
    ) -> PresignedPost:
        """A browser's upload whose policy fixes key, content type and length range. Raises Failure(PRESIGN_FAILED)."""

    async def presign_get(self, key: str, *, expires_s: int) -> str:
        """Raises Failure(PRESIGN_FAILED)."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One receive of one message. `receive_count` is 1 at the first; `sent_at` (epoch seconds) is when it was sent to
    this queue, or to the one that its redrive policy moved it from."""

    message_id: str
    receipt: str
    body: str
    receive_count: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    sent_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class QueueSetup:
    """How a queue is set up, seconds. Without a redrive policy the last three are None; `dead_letters` is the name of
    the queue that it moves to, `dead_retention_s` how long that one keeps a message."""

    visibility_s: int
    retention_s: int
    max_receives: int | None = None
    dead_letters: str | None = None
    dead_retention_s: int | None = None


class Queue(Protocol):
    """One queue and its dead-letter queue."""

    @property
    def name(self) -> str: ...

    async def send(self, body: str, attributes: Mapping[str, str], *, delay_s: int = 0) -> str:
        """Returns the message id. `delay_s` 0..900."""

    async def receive(self, *, limit: int, wait_s: int, visibility_s: int) -> Sequence[Delivery]:
        """A long poll of `wait_s` (0..20) for at most `limit` (1..10) messages."""

    async def delete(self, receipts: Sequence[str]) -> Sequence[str]:
        """Deletes 1..10 receives; returns the receipts that were not deleted. A stale receipt counts as deleted."""

    async def change_visibility(self, receipt: str, seconds: int) -> None:
        """Hides the message for 0..43200 s more. Raises Failure(LEASE_LOST) when the receipt is stale."""

    async def dead_letter(self, delivery: Delivery, *, reason: str) -> None:
        """Sends a copy to the DLQ with its attributes and one more, `reason` (where it has ten already, the last by
        name gives way). The original is not deleted. ValueError on a queue that was opened without a DLQ."""

    async def depth(self) -> int:
        """About how many messages wait (visible ones)."""

    async def setup(self) -> QueueSetup:
        """What a start-up check looks at."""


class Records(Protocol):
    """The record table."""

    async def create(self, record: Record) -> None:
        """Raises ValueError when the id exists."""

    async def get(self, analysis_id: str) -> Record | None: ...

    async def apply(self, analysis_id: str, change: Change) -> Record:
        """Carries out the change and returns the record after it; `revision` grows by 1.
        Raises Conflict when its conditions do not hold, Failure(ANALYSIS_NOT_FOUND) without a record."""

    async def stale(self, *, before: float, limit: int) -> Sequence[Record]:
        """Records in `processing` whose lease ran out before that moment (epoch seconds), longest ago first. May lag:
        what is found is confirmed by the change that follows."""

    async def waiting(
        self, *, before: str, limit: int, status: Status = Status.QUEUED, after: Record | None = None
    ) -> Sequence[Record]:
        """Records in that status last written before that time (RFC 3339), oldest first; with `after`, those that
        follow this one of an earlier answer. May lag, as `stale` does."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """Who holds a post: nobody where `holder` is empty. `token` grows with every holder, `beat` with every sign of
    life of one."""

    holder: str
    token: int
    beat: int


class Posts(Protocol):
    """Tasks that one process of many does. Times are the holders' own business: there are none in here."""

    async def term(self, post: str) -> Term | None:
        """The present one; None for a post that nobody ever held."""

    async def swap(self, post: str, *, seen: Term | None, wanted: Term) -> bool:
        """Puts `wanted` in the place of `seen`. False when that is not what is there."""


VISION_MODEL = "vision-model"
"""The breaker of the vision model, to everybody who asks about it."""


class Breakers(Protocol):
    """What processes tell each other about a downstream that is away. The last word counts: it is one downstream."""

    async def opened(self, name: str, *, until: datetime) -> None:
        """Nothing should be sent its way before that moment."""

    async def closed(self, name: str) -> None: ...

    async def open_until(self, name: str) -> datetime | None:
        """None when it is closed; a moment that is past says as much: who opened it has died since."""


CACHE = "cache"
"""The counters of clips that came again: hits, misses, entries, bytes."""


class Counters(Protocol):
    """Whole numbers that many processes add to."""

    async def add(self, name: str, amounts: Mapping[str, int]) -> None:
        """A negative amount takes away. Not idempotent: a lost reply may make an amount count twice."""

    async def read(self, name: str) -> Mapping[str, int]:
        """Empty where nobody ever added anything."""


class Verdicts(Protocol):
    """What the prober found, and what it is about to do."""

    async def board(self) -> Board | None:
        """None before the first run ever."""

    async def swap(self, *, seen: Board | None, wanted: Board) -> Board | None:
        """Puts `wanted` in the place of `seen` and returns it with its new revision. None when `seen` is not what is
        there any more."""

    async def archive(self) -> Archive: ...

    async def keep(self, archive: Archive, *, token: int) -> bool:
        """False, and nothing written, when one with a higher token has written before."""


class Leavings(Protocol):
    """What an analysis leaves in bucket and table."""

    async def remove_objects(self, record: Record) -> int:
        """Deletes upload, clip, result and pictures; returns how many there were."""

    async def remove_artifacts(self, record: Record) -> int:
        """The same without upload and clip."""

    async def forget(self, record: Record) -> bool:
        """Deletes the record. False when it was written since, or is gone."""
