"""Watching an analysis: over a reload, in the tab's title, and with manners."""

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest_asyncio

from tests.flow.product import Product
from tests.web.conftest import Visit

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def queued(it: Product, clip: Path) -> AsyncIterator[str]:
    """An analysis that no worker takes until the test starts one."""
    it.stop("worker")
    try:
        yield await it.send(clip)
    finally:
        if "worker" not in it.running:
            it.start("worker")


async def test_progress_survives_a_reload(it: Product, visit: Visit, queued: str, pictures: Path) -> None:
    window = await visit(viewport={"width": 390, "height": 844})
    await window.open(f"/#/a/{queued}")
    heading = window.page.locator("main h1")
    assert await heading.text_content() == "Your clip waits for a free worker"
    waited = await window.page.locator("main").text_content()
    assert waited is not None
    assert "so far" in waited
    await window.page.reload()
    await window.page.wait_for_selector(".stages")
    assert await heading.text_content() == "Your clip waits for a free worker"
    it.start("worker")
    await window.until("document.querySelector('.stages .now')?.textContent.includes('Measuring')")
    await window.keep(pictures, "progress-phone")
    assert (await window.page.title()).endswith("% – project.mp4") or "Clip" in await window.page.title()
    await window.page.wait_for_selector(".player", timeout=45_000)
    assert await window.page.title() == "✓ Done – project.mp4"


async def test_nobody_is_asked_while_nobody_looks(it: Product, visit: Visit, queued: str) -> None:
    """Hidden, the page holds one request until the end: no status is asked for, and the title tells all the same."""
    window = await visit()

    async def states() -> list[str]:
        return [address for address in await window.asked("/status") if "/analysis/" in address]

    await window.open(f"/#/a/{queued}")
    async with window.page.expect_request(lambda request: request.headers.get("prefer") == "wait=60"):
        await window.page.evaluate(HIDE, True)
    before = len(await states())
    it.start("worker")
    await window.until("document.title.startsWith('✓ Done')")
    assert len(await states()) - before == 1, "one look at the end, none before"


async def test_polling_backs_off(visit: Visit, queued: str) -> None:
    window = await visit()
    await window.open(f"/#/a/{queued}")
    of_states = ".filter((one) => one.name.endsWith('/status')).map((one) => one.startTime)"
    times = f"performance.getEntriesByType('resource'){of_states}"
    await window.until(f"{times}.length >= 6")
    asked = await window.page.evaluate(times)
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert gaps[-1] > 1.5 * gaps[1]
