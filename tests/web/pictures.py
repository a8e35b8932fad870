"""The page's pictures in the documentation, of a clip of our own: `python -m tests.web.pictures` takes them anew."""

import asyncio
import sys
import tempfile
from pathlib import Path

import cv2
from playwright.async_api import Browser, async_playwright

from core.settings import load_settings
from ops.provision import provision
from tests.clips import Image
from tests.figure import drawn_climber
from tests.flow.product import Product, product
from tests.pictures import CLIMBER, PICTURES
from tests.web.browser import ADVICE, ARGUMENTS, chromium
from tests.web.verdicts import plant_verdicts
from tests.web.visitor import Visitor, visiting

WIDTH = 360
WINDOW = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


async def taken(window: Visitor, name: str) -> None:
    image = await window.picture("html")
    shown: Image = image[: round(image.shape[1] * 844 / 390)]
    height = round(shown.shape[0] * WIDTH / shown.shape[1])
    small = cv2.resize(shown, (WIDTH, height), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(PICTURES / f"page-{name}.png"), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])


async def take(browser: Browser, it: Product, clip: Path) -> None:
    analysis_id = await it.send(clip)
    await plant_verdicts(it)
    async with visiting(browser, it.url, **WINDOW) as window:
        await window.open()
        await taken(window, "home")
    await it.ended(analysis_id, limit=120)
    async with visiting(browser, it.url, **WINDOW) as window:
        await window.open_result(analysis_id, 10.8)
        await taken(window, "result")
        await window.open("/status")
        await window.until("document.querySelector('.verdict.pass')")
        await taken(window, "status")


async def main() -> int:
    found = chromium()
    if found is None:
        sys.stderr.write(f"{ADVICE}\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "project.mp4"
        drawn_climber(clip, CLIMBER)
        async with async_playwright() as playwright, product(Path(folder)) as it:
            await provision(load_settings({**it.env, "CORS_ORIGINS": it.url}))
            browser = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
            await take(browser, it, clip)
            await browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
