"""Time is virtual, unless a test is marked `real`: those have real processes, a real emulator and real time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from core.aws.clients import Clients
from core.aws.queue import SqsQueue, dead_letter_name, open_queue
from core.settings import Settings
from tests.consumer.rig import House
from tests.engine.virtual_time import VirtualLoop
from tests.promises.processes import StartWorker, Worker, started


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real: real processes, signals, sockets and time")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("real"):
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualLoop}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(scratch_dir=tmp_path)


@pytest.fixture
async def queue(aws: Settings, clients: Clients) -> SqsQueue:
    """A real queue of the test's own."""
    return await open_queue(clients, aws.analysis_queue, dead_letters=dead_letter_name(aws.analysis_queue))


@pytest.fixture
async def dead(aws: Settings, clients: Clients) -> SqsQueue:
    """The dead-letter queue of `queue`."""
    return await open_queue(clients, dead_letter_name(aws.analysis_queue))


@pytest.fixture
async def start_worker(aws: Settings) -> AsyncIterator[StartWorker]:
    """Starts processes of tests.promises.worker on `queue`; those still running at the end are killed."""
    async with AsyncExitStack() as exits:

        async def start(**limits: float) -> Worker:
            return await exits.enter_async_context(started(aws, **limits))

        yield start
