"""Somebody who looks at the page: a window of a real browser, and what must never happen in it."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from playwright.async_api import Browser, BrowserContext, Page, Request

from tests.clips import Image
from tests.flow.product import wait_for

WATCHED = """
window.shifted = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifted += entry.hadRecentInput ? 0 : entry.value;
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (event) => window.reportViolation(
  `${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
DROP = """([name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  const zone = document.querySelector(".drop");
  for (const kind of ["dragenter", "dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""
SEEK = """async ([at, index]) => {
  const video = document.querySelectorAll("video")[index];
  const told = (event) => new Promise((ready) => video.addEventListener(event, ready, { once: true }));
  if (video.readyState < 1) await told("loadedmetadata");
  video.currentTime = at;
  while (video.seeking) await told("seeked");
  await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
}"""


@dataclass(kw_only=True)
class Visitor:
    """One window. `violations` (of the content policy) and `crashes` (of scripts) must stay empty."""

    url: str
    context: BrowserContext
    page: Page
    violations: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    def keep_request(self, request: Request) -> None:
        self.requests.append(request)

    async def open(self, path: str = "/") -> None:
        await self.page.goto(f"{self.url}{path}")
        await self.page.wait_for_selector("main h1")

    async def open_result(self, analysis_id: str, at: float | None = None) -> None:
        await self.open(f"/#/a/{analysis_id}")
        await self.page.wait_for_selector(".player")
        if at is not None:
            await self.seek(at)

    async def seek(self, at: float, *, index: int = 0) -> None:
        await self.page.evaluate(SEEK, [at, index])

    async def until(self, condition: str, *, limit: float = 60) -> None:
        """Waits for a JavaScript condition. Playwright's own wait_for_function evaluates strings inside the page,
        which the page's policy forbids."""
        await wait_for(condition, lambda: self.page.evaluate(f"() => Boolean({condition})"), limit=limit)

    async def drop(self, clip: Path, *, name: str | None = None, kind: str = "video/mp4") -> None:
        data = base64.b64encode(clip.read_bytes()).decode()
        await self.page.evaluate(DROP, [name or clip.name, kind, data])

    async def picture(self, selector: str) -> Image:
        """What the screen shows of an element, BGR."""
        raw = await self.page.locator(selector).first.screenshot()
        image = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        return image.astype(np.uint8)

    async def drawn(self, selector: str = ".stage") -> Image:
        """Where the drawing of the hip line changes the screen: a mask of the element's size, by its own toggle."""
        toggle = self.page.locator(".layers input").first
        with_line = await self.picture(selector)
        await toggle.evaluate("box => box.click()")
        without = await self.picture(selector)
        await toggle.evaluate("box => box.click()")
        changed: Image = (cv2.absdiff(with_line, without).max(axis=2) > 24).astype(np.uint8)
        return changed

    async def asked(self, path: str) -> list[str]:
        return [request.url for request in self.requests if path in request.url]

    async def keep(self, folder: Path, name: str) -> None:
        """A picture of the whole page, for people to look at."""
        await self.page.screenshot(path=folder / f"{name}.png", full_page=True)


@asynccontextmanager
async def visiting(browser: Browser, url: str, **options: Any) -> AsyncIterator[Visitor]:
    """Options as Playwright's new_context. Fails when the policy was violated or a script crashed."""
    defaults: dict[str, Any] = {"viewport": {"width": 1200, "height": 900}, "locale": "en-US"}
    context = await browser.new_context(**{**defaults, **options})
    visitor = Visitor(url=url, context=context, page=await context.new_page())

    def report(violation: str) -> None:
        visitor.violations.append(violation)

    await context.expose_function("reportViolation", report)
    await context.add_init_script(WATCHED)
    visitor.page.on("pageerror", lambda error: visitor.crashes.append(f"{error.name}: {error.message}"))
    visitor.page.on("request", visitor.keep_request)
    try:
        yield visitor
        assert visitor.violations == []
        assert visitor.crashes == []
    finally:
        await context.close()
