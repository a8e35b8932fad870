"""The pipeline page: what the prober found, at a glance; grey where nobody knows."""

from pathlib import Path

from playwright.async_api import Route, expect

from tests.flow.product import Product, wait_for
from tests.web.conftest import Visit
from tests.web.verdicts import TRACE, plant_verdicts


async def known(it: Product) -> None:
    """The service reads the stored verdicts now and then only."""

    async def look() -> bool:
        return bool((await it.get("/health/analysis-pipeline"))[1]["status"] == "pass")

    await wait_for("the service to see the verdict", look)


async def test_before_any_probe_nobody_knows(visit: Visit) -> None:
    window = await visit()
    await window.open("/status")
    await expect(window.page.locator(".verdict.unknown h2")).to_have_text("Nobody knows")


async def test_a_service_that_is_away_is_unknown_too(visit: Visit) -> None:
    window = await visit()

    async def away(route: Route) -> None:
        await route.abort()

    await window.page.route("**/health/**", away)
    await window.open("/status")
    await expect(window.page.locator(".verdict.unknown")).to_contain_text("does not answer")


async def test_the_verdict_at_a_glance(it: Product, visit: Visit, pictures: Path) -> None:
    await plant_verdicts(it)
    await known(it)
    window = await visit(viewport={"width": 390, "height": 844})
    await window.open("/status")
    await expect(window.page.locator(".verdict h2")).to_have_text("Everything works")
    assert await window.page.locator(".strip li").count() == 50
    kinds = await window.page.locator(".strip li").evaluate_all("all => all.map((run) => run.className)")
    assert {kind: kinds.count(kind) for kind in ("fail", "warn", "cancelled")} == {"fail": 2, "warn": 1, "cancelled": 1}
    bars = await window.page.locator(".bars progress").evaluate_all("all => all.map((bar) => bar.value / bar.max)")
    assert bars.index(max(bars)) == 6
    await expect(window.page.locator(".uptimes")).to_contain_text("unknown")
    await expect(window.page.locator(".trace")).to_have_text(TRACE)
    await expect(window.page.locator(".backlog dd")).to_have_text(["0", "0", "0 s"])
    await window.keep(pictures, "status-phone")


async def test_plain_text_without_javascript(it: Product, visit: Visit) -> None:
    await plant_verdicts(it)
    await known(it)
    window = await visit(java_script_enabled=False)
    await window.page.goto(f"{window.url}/status")
    told = await window.page.locator("noscript").inner_text()
    assert "status: " in told
    assert "waiting in analysis: 0" in told
    assert "analyze: " in told
    assert TRACE in told
