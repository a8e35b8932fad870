from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.consumer.rig import House
from tests.engine.virtual_time import VirtualLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], VirtualLoop]]:
    return {"virtual": VirtualLoop}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(scratch_dir=tmp_path)
