"""What a prober needs: the stores for its verdicts, and what it must clean. The pipeline itself it asks over HTTP."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from core.aws.clients import Clients, open_clients
from core.aws.posts import DynamoPosts
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.aws.verdicts import DynamoVerdicts
from core.ports import Posts, Queue, Records, Verdicts
from core.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Outside:
    """`dead_letters` opens the dead-letter queues when they are wanted: a queue that is away must not keep a probe
    from finding that out."""

    verdicts: Verdicts
    posts: Posts
    records: Records
    dead_letters: Callable[[], Awaitable[Sequence[Queue]]]
    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic


@asynccontextmanager
async def open_outside(settings: Settings) -> AsyncIterator[Outside]:
    """Asks nothing of the outside yet."""
    async with open_clients(settings) as clients:
        yield Outside(
            verdicts=DynamoVerdicts(clients.dynamodb, settings.table),
            posts=DynamoPosts(clients.dynamodb, settings.table),
            records=DynamoRecords(clients.dynamodb, settings.table),
            dead_letters=_dead_letters(clients, settings),
        )


def _dead_letters(clients: Clients, settings: Settings) -> Callable[[], Awaitable[Sequence[Queue]]]:
    async def opened() -> Sequence[Queue]:
        names = (settings.ingest_queue, settings.analysis_queue)
        return [await open_queue(clients, dead_letter_name(name)) for name in names]

    return opened
