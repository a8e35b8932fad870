"""The three that must behave alike: the fakes, the emulator that the product embeds, and moto."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from core.aws.clients import Clients, open_clients
from core.aws.objects import S3Objects
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.ports import Delivery, Objects, Queue, Records
from core.settings import Settings
from ops.provision import provision, provision_queue
from tests.emulator import fresh_settings
from tests.fakes import FakeObjects, FakeQueue, FakeRecords, ManualClock

only_clouds = pytest.mark.parametrize("backend", ["ministack", "moto"])
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A provisioned emulator."""

    settings: Settings
    clients: Clients


@dataclass(frozen=True, kw_only=True)
class QueueUnderTest:
    """`dead` takes what is in the DLQ. `pass_time` lets so many seconds pass on the queue's clock."""

    queue: Queue
    dead: Callable[[], Awaitable[list[Delivery]]]
    pass_time: Callable[[float], Awaitable[None]]


@asynccontextmanager
async def installed(url: str) -> AsyncIterator[Installation]:
    settings = fresh_settings(url)
    await provision(settings)
    async with open_clients(settings) as clients:
        yield Installation(settings=settings, clients=clients)


def objects_of(installation: Installation | None) -> Objects:
    if installation is None:
        return FakeObjects()
    return S3Objects(installation.clients.s3, installation.settings.bucket)


def records_of(installation: Installation | None) -> Records:
    if installation is None:
        return FakeRecords()
    return DynamoRecords(installation.clients.dynamodb, installation.settings.table)


async def queue_of(installation: Installation | None) -> QueueUnderTest:
    """A queue that no other test uses."""
    if installation is None:
        return _fake_queue()
    name = f"{installation.settings.analysis_queue}-{next(_numbers)}"
    await provision_queue(installation.clients, installation.settings, name)
    dead_queue = await open_queue(installation.clients, dead_letter_name(name))

    async def dead() -> list[Delivery]:
        return list(await dead_queue.receive(limit=10, wait_s=0, visibility_s=60))

    queue = await open_queue(installation.clients, name, dead_letters=dead_letter_name(name))
    return QueueUnderTest(queue=queue, dead=dead, pass_time=asyncio.sleep)


def _fake_queue() -> QueueUnderTest:
    clock = ManualClock()
    queue = FakeQueue(clock=clock)

    async def dead() -> list[Delivery]:
        return [
            Delivery(message_id=one.message_id, receipt="", body=one.body, receive_count=1, attributes=one.attributes)
            for one in queue.dead
        ]

    return QueueUnderTest(queue=queue, dead=dead, pass_time=clock.advance)


def new_id() -> str:
    return str(uuid.uuid4())


def new_key() -> str:
    return f"videos/2026/11/24/{new_id()}.mp4"
