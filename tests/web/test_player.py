"""The drawing stays glued to the picture, and every way of going to a moment goes there."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from core.result import Event, TrackPoint
from tests.clips import H264, Image
from tests.figure import Climber, drawn_climber
from tests.flow.product import Product
from tests.web.conftest import CLIMBER, Visit
from tests.web.planting import plant
from tests.web.test_way import near
from tests.web.visitor import Visitor

PASSED = (2.8, 4.0, 5.0, 6.0, 6.9)
MOVING = "document.querySelector('.overlay canvas:last-child')"
BLANK = """() => [...document.querySelectorAll(".overlay canvas")].every((canvas) =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.every((value) => value === 0))"""
TIME = "document.querySelector('video').currentTime"


async def test_portrait_on_a_phone_of_high_density(visit: Visit, done: str, pictures: Path) -> None:
    window = await visit(viewport={"width": 390, "height": 844}, device_scale_factor=3, has_touch=True, is_mobile=True)
    await window.open_result(done, 7.0)
    size = await window.page.evaluate(f"{MOVING}.width / {MOVING}.clientWidth")
    assert size == pytest.approx(3, abs=0.02)
    mask = await window.drawn()
    assert all(near(mask, *CLIMBER.hip(t), 0.03) for t in PASSED)
    await window.keep(pictures, "result-phone")


async def test_the_line_is_exactly_on_the_track(it: Product, visit: Visit, done: str) -> None:
    """To two pixels: the measured points, not the true ones."""
    window = await visit()
    await window.open_result(done, 7.5)
    _, result = await it.get(f"/analysis/{done}")
    mask = await window.drawn()
    seen = [point for point in result["track"] if 3 < point["t"] < 7]
    assert len(seen) > 30
    assert all(near(mask, point["x"], point["y"], 2 / mask.shape[0]) for point in seen)


async def test_letterboxed_where_the_box_has_another_shape(visit: Visit, done: str) -> None:
    """Filling a wide window with a portrait clip leaves bars at both sides: nothing is drawn there."""
    window = await visit(viewport={"width": 1000, "height": 560})
    await window.open_result(done, 7.0)
    await window.page.evaluate("document.querySelector('.player').classList.add('filled')")
    await window.until("document.querySelector('.stage').clientWidth > 900")
    await window.until(f"{MOVING}.clientHeight > 400")
    mask = await window.drawn()
    height, width = mask.shape
    picture = round(height * CLIMBER.aspect)
    left = (width - picture) // 2
    assert not mask[:, : left - 1].any()
    assert not mask[:, left + picture + 1 :].any()
    inside = np.ascontiguousarray(mask[:, left : left + picture])
    assert all(near(inside, *CLIMBER.hip(t), 0.03) for t in PASSED)


async def test_full_screen_keeps_the_drawing(visit: Visit, done: str) -> None:
    window = await visit(viewport={"width": 1000, "height": 700})
    await window.open_result(done, 7.0)
    await window.page.get_by_label("Full screen").click()
    await window.until("document.fullscreenElement?.matches('.player') || document.querySelector('.player.filled')")
    await window.until("document.querySelector('.stage').clientWidth > 900")
    assert (await window.drawn()).any()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def turned(it: Product, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Climber]:
    """A landscape recording that is shown upright by its metadata, as phones write it."""
    path = tmp_path_factory.mktemp("turned") / "turned.mp4"
    climber = Climber(size=(360, 640), seconds=6.0, moves=3, seed=3)
    drawn_climber(path, climber, encoding=replace(H264, rotation=90))
    analysis_id = await it.send(path)
    assert (await it.ended(analysis_id))["status"] == "completed"
    return analysis_id, climber


async def test_rotated_by_metadata(visit: Visit, turned: tuple[str, Climber]) -> None:
    analysis_id, climber = turned
    window = await visit()
    await window.open_result(analysis_id, 5.5)
    shape = await window.page.evaluate(
        "[document.querySelector('video').videoWidth, document.querySelector('video').videoHeight]"
    )
    assert shape == [360, 640]
    mask = await window.drawn()
    assert all(near(mask, *climber.hip(t), 0.03) for t in (2.6, 3.5, 4.5, 5.3))


async def test_the_line_moves_with_the_wall(it: Product, visit: Visit, done: str) -> None:
    """The camera pans: the climber stays in the middle, and what was climbed wanders out below."""
    track = tuple(
        TrackPoint(t=k / 10, x=0.5, y=0.5, wall_x=0.5, wall_y=0.8 - k / 100, torso=0.1, confidence=0.9)
        for k in range(60)
    )
    window = await visit()
    await window.open_result(await plant(it, done, track=track, events=()), 3.0)
    mask = await window.drawn()
    for t in (1.0, 2.0, 2.8):
        assert near(mask, 0.5, 0.5 + (3.0 - t) / 10, 0.01), t
    assert not near(mask, 0.5, 0.42, 0.03), "nothing above the climber"


async def at(window: Visitor, moment: float, *, within: float = 0.15) -> None:
    await window.until(f"Math.abs({TIME} - {moment}) < {within}")


async def test_the_chart_leads_to_its_moment(visit: Visit, done: str) -> None:
    window = await visit()
    await window.open_result(done, 0.5)
    box = await window.page.locator(".chart").bounding_box()
    assert box is not None
    await window.page.mouse.click(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    await at(window, 6.0)
    # drawn with the picture that follows the seek
    await window.until(
        "Math.abs(Number(document.querySelector('.playhead').getAttribute('x1'))"
        " / document.querySelector('.chart').clientWidth - 0.75) <= 0.02"
    )


async def test_events_lead_to_their_moments(it: Product, visit: Visit, done: str, pictures: Path) -> None:
    stuck = Event(kind="hesitation", t=4.2, t1=6.6, x=0.5, y=0.5, confidence=0.9)
    others = (Event(kind="rest", t=2.6, t1=3.4, confidence=0.9), Event(kind="drop", t=7.5, confidence=0.9))
    window = await visit(viewport={"width": 1200, "height": 900})
    await window.open_result(await plant(it, done, events=(others[0], stuck, others[1])))
    await window.page.get_by_role("button", name="Stuck at 0:04 for 2.4 s").click()
    await at(window, 4.2)
    await window.page.get_by_text("All moments (3)").click()
    await window.page.get_by_role("button", name="Go to 0:07: came off the wall").click()
    await at(window, 7.5)
    marks = await window.page.locator(".chart .mark").evaluate_all(
        "all => all.map((mark) => mark.getAttribute('class'))"
    )
    assert marks == ["mark rest", "mark hesitation", "mark drop"]
    await window.keep(pictures, "result-desktop")


async def test_speeds_from_a_quarter_to_double(visit: Visit, done: str) -> None:
    window = await visit()
    await window.open_result(done, 1.0)
    for speed in ("0.25", "2"):
        await window.page.get_by_label("Speed", exact=True).select_option(speed)
        await window.page.get_by_role("button", name="Play").click()
        await window.until(f"{TIME} > 1.3")
        drawn = await window.page.evaluate("document.querySelector('video').playbackRate")
        assert drawn == float(speed)
        await window.page.get_by_role("button", name="Pause").click()
        await window.seek(1.0)


async def test_layers_can_be_switched_off(visit: Visit, done: str) -> None:
    window = await visit()
    await window.open_result(done, 7.0)
    for name in ("Hip line", "Hand placements", "Phase and speed"):
        await window.page.get_by_label(name).uncheck(force=True)
    empty = await window.page.evaluate(BLANK)
    assert empty


def test_near_is_no_empty_promise() -> None:
    mask: Image = np.zeros((100, 50), np.uint8)
    assert not near(mask, 0.5, 0.5, 0.5)
    mask[50, 25] = 1
    assert near(mask, 0.5, 0.5, 0.02)
    assert not near(mask, 0.5, 0.7, 0.1)
