"""Two attempts beside each other: aligned, played together, compared in a table."""

from pathlib import Path

import pytest_asyncio
from playwright.async_api import expect

from core.result import Event, Phase
from tests.flow.product import Product
from tests.web.conftest import CLIMBER, Visit
from tests.web.planting import plant
from tests.web.visitor import Visitor

B = "document.querySelectorAll('video')[1].currentTime"


@pytest_asyncio.fixture(loop_scope="session")
async def later(it: Product, done: str) -> str:
    """The same climb whose wall phase is said to begin 1.5 s later, and twice as many hand placements."""
    _, result = await it.get(f"/analysis/{done}")
    start = next(phase["t0"] for phase in result["phases"] if phase["kind"] == "on_wall")
    phases = (Phase(kind="ground", t0=0, t1=start + 1.5), Phase(kind="on_wall", t0=start + 1.5, t1=CLIMBER.seconds))
    rest = Event(kind="rest", t=4.0, t1=5.0, confidence=0.9)
    return await plant(it, done, filename="second try.mp4", phases=phases, events=(rest,))


async def lead(window: Visitor, at: float) -> None:
    """Moves the common slider as a hand would."""
    slider = window.page.locator(".joint .time")
    await slider.fill(str(at))


async def test_aligned_by_the_start_on_the_wall(visit: Visit, done: str, later: str, pictures: Path) -> None:
    window = await visit(viewport={"width": 1200, "height": 900})
    await window.open(f"/#/a/{done}/with/{later}")
    await window.page.wait_for_selector(".pair")
    await lead(window, 5.0)
    await window.until(f"Math.abs({B} - 6.5) < 0.1")
    assert await window.page.locator(".chart .curve").count() >= 2
    await expect(window.page.locator(".differences")).to_contain_text("Hand placements")
    await window.keep(pictures, "compare-desktop")


async def test_aligned_by_height(it: Product, visit: Visit, done: str, later: str) -> None:
    """The same clip: at the same height, both show the same moment, whatever is said of its start."""
    window = await visit()
    await window.open(f"/#/a/{done}/with/{done}")
    await window.page.get_by_label("height gained").check(force=True)
    await lead(window, 6.8)
    await window.until(f"Math.abs({B} - 6.8) < 0.15")
    await window.open(f"/#/a/{done}/with/{later}")
    await window.page.get_by_label("height gained").check(force=True)
    await lead(window, 5.0)
    _, a = await it.get(f"/analysis/{done}")
    _, b = await it.get(f"/analysis/{later}")
    assert a["track"] == b["track"]
    await window.until(f"{B} > 5.5")


async def test_both_play_and_stop_together(visit: Visit, done: str, later: str) -> None:
    window = await visit()
    await window.open(f"/#/a/{done}/with/{later}")
    await window.page.wait_for_selector(".pair")
    await lead(window, 3.0)
    await window.until(f"Math.abs({B} - 4.5) < 0.1")
    await window.page.get_by_role("button", name="Play").click()
    await window.until(f"document.querySelector('video').currentTime > 4 && {B} > 5.2")
    await window.page.get_by_role("button", name="Pause").click()
    await window.until("[...document.querySelectorAll('video')].every((video) => video.paused)")
    await window.until(f"Math.abs({B} - document.querySelector('video').currentTime - 1.5) < 0.1")


async def test_the_second_is_picked_from_those_this_browser_knows(visit: Visit, done: str, later: str) -> None:
    window = await visit(viewport={"width": 360, "height": 740})
    await window.open_result(later)
    await window.open_result(done)
    await window.page.get_by_role("link", name="Compare attempts").click()
    await expect(window.page.locator(".clips a")).to_have_text(["second try.mp4"])
    await window.page.get_by_label("Link or id of another analysis").fill("nonsense")
    await window.page.get_by_role("button", name="Compare").click()
    await expect(window.page.locator(".wrong")).to_contain_text("no analysis id")
    await window.page.get_by_label("Link or id of another analysis").fill(f"look: {window.url}/#/a/{later} !")
    await window.page.get_by_role("button", name="Compare").click()
    await window.page.wait_for_selector(".pair")
    assert window.page.url.endswith(f"#/a/{done}/with/{later}")
