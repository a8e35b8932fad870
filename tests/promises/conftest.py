"""Time is virtual, unless a test is marked `real`: those have real processes, a real emulator and real time."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from core.aws.clients import Clients
from core.aws.queue import SqsQueue, dead_letter_name, open_queue
from core.settings import Settings
from tests.consumer.rig import House
from tests.emulator import Emulator
from tests.engine.virtual_time import VirtualLoop
from tests.promises.side_by_side import SCENARIOS, Ahead

HERE = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "real: real processes, signals, sockets and time")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of this folder's tests, those whose scenarios run meanwhile come last."""
    here = [at for at, item in enumerate(items) if item.path.is_relative_to(HERE)]
    ordered = sorted((items[at] for at in here), key=_is_scenario)
    for at, item in zip(here, ordered, strict=True):
        items[at] = item


def _is_scenario(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and item.function in SCENARIOS


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


@pytest.fixture(scope="session", autouse=True)
def ahead(request: pytest.FixtureRequest) -> Iterator[Ahead | None]:
    """All scenarios of this session have begun with the first test of this folder; see side_by_side."""
    scenarios = [SCENARIOS[item.function] for item in request.session.items if _is_scenario(item)]
    if not scenarios:
        yield None
        return
    emulator: Emulator = request.getfixturevalue("emulator")
    begun = Ahead(emulator.url, scenarios)
    yield begun
    begun.join()
