"""One product, one browser and one analysis for all tests of the page."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from core.settings import load_settings
from ops.provision import provision
from tests.figure import Climber, drawn_climber
from tests.flow.product import ROOT, Product, product
from tests.web.browser import ADVICE, ARGUMENTS, chromium
from tests.web.visitor import Visitor, visiting

Visit = Callable[..., Awaitable[Visitor]]
PICTURES = ROOT / ".data" / "page-pictures"
H264 = 'video/mp4; codecs="avc1.42E01E"'
CLIMBER = Climber(size=(360, 640))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them share one loop, as browser and product do."""
    for item in items:
        if Path(__file__).parent in item.path.parents and inspect.iscoroutinefunction(getattr(item, "function", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.timeout(180))


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where pictures of the views are kept for people to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    return PICTURES


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "project.mp4"
    drawn_climber(path, CLIMBER)
    return path


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    found = chromium()
    if found is None:
        pytest.skip(ADVICE)
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        page = await running.new_page()
        if not await page.evaluate("type => document.createElement('video').canPlayType(type)", H264):
            pytest.skip(f"{found.name} plays no H.264: install a Chromium with its codecs")
        await page.close()
        yield running
        await running.close()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def it(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    """The product, whose bucket takes uploads from its own page."""
    async with product(tmp_path_factory.mktemp("product")) as running:
        await provision(load_settings({**running.env, "CORS_ORIGINS": running.url}))
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def done(it: Product, clip: Path) -> str:
    """The id of a completed analysis of `clip`."""
    analysis_id = await it.send(clip)
    assert (await it.ended(analysis_id))["status"] == "completed"
    return analysis_id


@pytest_asyncio.fixture(loop_scope="session")
async def visit(browser: Browser, it: Product) -> AsyncIterator[Visit]:
    """Opens windows (options as Playwright's new_context), and looks at their end that nothing was wrong in them."""
    async with AsyncExitStack() as windows:

        async def open_window(**options: Any) -> Visitor:
            window: AbstractAsyncContextManager[Visitor] = visiting(browser, it.url, **options)
            return await windows.enter_async_context(window)

        yield open_window


@pytest_asyncio.fixture(loop_scope="session")
async def phone(visit: Visit) -> Visitor:
    return await partial(visit, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)()
