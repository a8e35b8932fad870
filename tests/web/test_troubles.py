"""Whatever goes wrong has its words and its next step, and loses nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route, expect

from core.error_codes import ErrorCode
from core.errors import catalogue
from tests.clips import Encoding, barcodes, write_clip
from tests.flow.product import Product
from tests.web.conftest import Visit
from tests.web.visitor import Visitor

PANEL = ".panel.bad"


async def panel(window: Visitor) -> str:
    await window.page.wait_for_selector(PANEL)
    return str(await window.page.locator(PANEL).inner_text())


@pytest.fixture
def wrong_files(tmp_path: Path) -> dict[str, Path]:
    """By the code that each is refused with before anything is sent."""
    files = {name: tmp_path / name for name in ("notes.pdf", "empty.mp4", "huge.mp4", "long.mp4")}
    files["notes.pdf"].write_bytes(b"%PDF-1.7" * 1000)
    files["empty.mp4"].write_bytes(b"")
    with files["huge.mp4"].open("wb") as huge:
        huge.truncate(121 * 1024 * 1024)
    write_clip(files["long.mp4"], barcodes(62, (64, 64)), Encoding(fps=1, times=[i * 10 for i in range(62)]))
    codes = ("UNSUPPORTED_CONTENT_TYPE", "FILE_TOO_SMALL", "FILE_TOO_LARGE", "VIDEO_TOO_LONG")
    return dict(zip(codes, files.values(), strict=True))


async def test_wrong_files_are_refused_before_they_are_sent(visit: Visit, wrong_files: dict[str, Path]) -> None:
    window = await visit()
    for code, path in wrong_files.items():
        await window.open()
        await window.page.set_input_files("#files", path)
        told = await panel(window)
        entry = catalogue()[ErrorCode(code)]
        assert entry.title.en in told
        assert all(step in told for step in entry.suggestions.en)
        await window.page.reload()
    assert await window.asked("/upload/init") == []


async def test_a_failed_analysis_says_why_and_what_now(
    it: Product, visit: Visit, tmp_path: Path, pictures: Path
) -> None:
    fake = tmp_path / "fake.mp4"
    fake.write_bytes(b"#EXTM3U\n" * 400)
    window = await visit(viewport={"width": 390, "height": 844}, permissions=["clipboard-read", "clipboard-write"])
    await window.open()
    await window.page.set_input_files("#files", fake)
    told = await panel(window)
    failed = (await it.status(window.page.url.rpartition("/")[2]))["error"]
    assert failed["title"] in told
    assert failed["error_code"] in told
    assert (await window.page.title()).startswith("✗ Failed")
    trace = await window.page.locator(".trace").inner_text()
    await window.page.locator(".copy").click()
    assert await window.page.evaluate("navigator.clipboard.readText()") == trace
    await expect(window.page.get_by_role("link", name="Choose another clip")).to_be_visible()
    await window.keep(pictures, "failed-phone")


async def test_a_broken_upload_goes_on_with_the_same_analysis(it: Product, visit: Visit, clip: Path) -> None:
    window = await visit()
    await window.open()
    wire = await window.context.new_cdp_session(window.page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    await wire.send("Network.enable")
    await wire.send("Network.emulateNetworkConditions", slow)
    await window.page.set_input_files("#files", clip)
    await window.until("document.querySelector('.clip progress')?.value > 100000")
    await wire.send("Network.emulateNetworkConditions", {**slow, "offline": True})
    await window.page.wait_for_selector(PANEL)
    assert "What is there is kept" in await window.page.locator(".clip .state").inner_text()
    begun = [json.loads(entry)[0]["id"] for entry in [await window.page.evaluate("localStorage['performate.recent']")]]
    await wire.send("Network.emulateNetworkConditions", {**slow, "offline": False, "uploadThroughput": -1})
    await window.page.wait_for_url("**/#/a/*")
    assert window.page.url.endswith(begun[0])
    assert (await it.ended(begun[0]))["status"] == "completed"
    assert len(await window.asked("/upload/init")) == 1


async def test_an_upload_can_be_cancelled_and_the_next_one_goes(
    it: Product, visit: Visit, clip: Path, tmp_path: Path
) -> None:
    """Several in a row: the first is cancelled under way, the second is refused, the third arrives."""
    window = await visit()
    await window.open()
    wire = await window.context.new_cdp_session(window.page)
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 300_000}
    await wire.send("Network.emulateNetworkConditions", slow)
    second = tmp_path / "b.txt"
    second.write_text("no clip")
    third = tmp_path / "third.mp4"
    third.write_bytes(clip.read_bytes())
    await window.page.set_input_files("#files", [clip, second, third])
    await window.until("document.querySelector('.clip progress')?.value > 100000")
    await window.page.get_by_role("button", name="Cancel").first.click()
    await wire.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    await expect(window.page.locator(".clip.tall").nth(0)).to_contain_text("Cancelled")
    await expect(window.page.locator(".clip.tall").nth(1)).to_contain_text("not a video type")
    await expect(window.page.locator(".clip.tall").nth(2)).to_contain_text("Uploaded")
    arrived = await window.page.locator(".clip.tall a").get_attribute("href")
    assert arrived is not None
    assert (await it.ended(arrived.rpartition("/")[2]))["status"] == "completed"


async def test_patience_is_counted_down(visit: Visit, done: str) -> None:
    window = await visit()

    async def refuse(route: Route) -> None:
        await route.fulfill(status=429, headers={"Retry-After": "3"}, json=problem("RATE_LIMITED"))

    await window.page.route("**/status", refuse)
    await window.page.goto(f"{window.url}/#/a/{done}")
    button = window.page.locator(f"{PANEL} button.main")
    await expect(button).to_be_disabled()
    assert "Again in" in await button.inner_text()
    assert catalogue()[ErrorCode.RATE_LIMITED].title.en in await panel(window)
    await window.page.unroute("**/status")
    await window.page.wait_for_selector(".player")


async def test_a_service_that_answers_nonsense_or_not_at_all(visit: Visit, done: str) -> None:
    window = await visit()

    async def nonsense(route: Route) -> None:
        await route.fulfill(status=502, body="<html>Bad gateway</html>", content_type="text/html")

    await window.page.route("**/status", nonsense)
    await window.page.goto(f"{window.url}/#/a/{done}")
    assert "did not answer as it should" in await panel(window)
    await window.page.unroute("**/status")
    await window.page.get_by_role("button", name="Try again").click()
    await window.page.wait_for_selector(".player")
    await window.context.set_offline(True)
    await window.page.evaluate("location.hash = '#/a/00000000-0000-4000-8000-000000000000'")
    assert "You are offline" in await panel(window)
    await window.context.set_offline(False)
    await window.until("document.querySelector('.panel.bad')?.textContent.includes('ANALYSIS_NOT_FOUND')")


async def test_every_code_has_its_words(visit: Visit) -> None:
    for language in ("en", "de"):
        window = await visit(locale=language)
        await window.open("/#/help")
        await window.page.wait_for_selector(".fold")
        told = await window.page.locator("main").text_content()
        assert told is not None
        for code, entry in catalogue().items():
            texts = (entry.title, entry.detail)
            assert all(getattr(text, language) in told for text in texts), code
            assert all(step in told for step in getattr(entry.suggestions, language)), code
            assert code in told


def problem(code: str) -> dict[str, Any]:
    entry = catalogue()[ErrorCode(code)]
    return {
        "error_code": code,
        "title": entry.title.en,
        "detail": entry.detail.en,
        "suggestions": list(entry.suggestions.en),
        "retry": entry.retryable,
        "request_id": "r",
    }
