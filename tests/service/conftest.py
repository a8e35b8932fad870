import io
import json
import logging
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import structlog
from aiohttp.test_utils import TestClient

from core.log import configure_logging
from tests.service.world import World

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def http(world: World) -> AsyncIterator[TestClient[Any, Any]]:
    async with world.serve() as client:
        yield client


@pytest.fixture
def lines(world: World) -> Iterator[Lines]:
    """What was logged so far, as the process would write it."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    out = io.StringIO()
    with warnings.catch_warnings():
        configure_logging(world.settings, service="web", stream=out)
        warnings.simplefilter("error")
        yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    logging.captureWarnings(False)
    structlog.configure(**configured)
    root.handlers, root.level = handlers, level
