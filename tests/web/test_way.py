"""From dropping a clip to the line on it."""

from pathlib import Path

import numpy as np

from core.settings import load_settings
from ops.provision import provision
from tests.clips import Image
from tests.flow.product import Product
from tests.web.conftest import CLIMBER, Visit


def near(mask: Image, x: float, y: float, reach: float) -> bool:
    """Whether anything is drawn within `reach` of (x, y); all of them shares of the mask's height and width."""
    height, width = mask.shape
    rows, columns = np.nonzero(mask)
    return bool(len(rows)) and bool((np.hypot(columns - x * width, rows - y * height) <= reach * height).any())


async def test_a_dropped_clip_gets_its_line(it: Product, visit: Visit, clip: Path) -> None:
    window = await visit()
    await window.open()
    await window.drop(clip)
    await window.page.wait_for_url("**/#/a/*")
    await window.page.wait_for_selector(".player", timeout=45_000)
    assert (await window.page.title()).startswith("✓ Done – project.mp4")
    await window.until("document.querySelector('video').currentTime > 7.5")
    at = 7.0
    await window.seek(at)
    mask = await window.drawn()
    for t in (2.8, 4.0, 5.0, 6.0, 6.9):
        assert near(mask, *CLIMBER.hip(t), 0.03), f"no line where the hip was at {t} s"
    assert not near(mask, *CLIMBER.hip(7.9), 0.02), "a line where the hip has not been yet"
    assert not near(mask, 0.9, 0.3, 0.1)


async def test_a_bucket_that_browsers_cannot_reach(it: Product, visit: Visit, clip: Path) -> None:
    """Without this page's origin in the bucket's CORS rules the clip goes through the service."""
    await provision(load_settings(it.env))
    try:
        window = await visit(viewport={"width": 390, "height": 844})
        await window.open()
        await window.page.set_input_files("#files", clip)
        await window.page.wait_for_url("**/#/a/*")
        assert len([request for request in window.requests if request.url == f"{it.url}/upload"]) == 1
        assert (await it.ended(window.page.url.rpartition("/")[2]))["status"] == "completed"
    finally:
        await provision(load_settings({**it.env, "CORS_ORIGINS": it.url}))
