"""The pure parts of the page, asked in the browser that runs them."""

from typing import Any

import pytest
import pytest_asyncio

from tests.flow.product import Product
from tests.web.conftest import Visit
from tests.web.visitor import Visitor


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def assets(it: Product) -> str:
    async with it.http.get(it.url) as answer:
        page = await answer.text()
    return f"/assets/{page.partition('/assets/')[2].partition('/')[0]}"


@pytest_asyncio.fixture(loop_scope="session")
async def window(visit: Visit) -> Visitor:
    opened = await visit()
    await opened.open()
    return opened


async def told(window: Visitor, module: str, body: str) -> Any:
    """What `body` returns, in which `m` is the module."""
    return await window.page.evaluate(f"async () => {{ const m = await import('{module}'); {body} }}")


@pytest.mark.parametrize(
    ("box", "picture", "place"),
    [
        ((300, 300), (100, 200), (75, 0, 150, 300)),
        ((300, 300), (200, 100), (0, 75, 300, 150)),
        ((90, 160), (1080, 1920), (0, 0, 90, 160)),
        ((0, 300), (100, 200), (0, 0, 0, 0)),
        ((300, 300), (0, 0), (0, 0, 0, 0)),
    ],
)
async def test_where_a_picture_lies(
    window: Visitor, assets: str, box: tuple[int, int], picture: tuple[int, int], place: tuple[int, ...]
) -> None:
    sizes = ", ".join(f"{{ width: {width}, height: {height} }}" for width, height in (box, picture))
    found = await told(window, f"{assets}/geometry.js", f"return m.contain({sizes})")
    assert (found["x"], found["y"], found["width"], found["height"]) == place


async def test_a_track_between_its_samples_and_in_a_gap(window: Visitor, assets: str) -> None:
    body = """
      const point = (t, y) => ({ t, x: 0.5, y, torso: 0.1, confidence: 1, wall_x: 0.5, wall_y: y });
      const points = [point(0, 0.9), point(0.5, 0.8), point(2, 0.4)];
      const track = m.trackOf({ video: { width: 100, height: 100 }, phases: [], track: points });
      return [0, 0.25, 0.5, 1, 2, 2.5, 4, -1].map((t) => m.valueAt(track, track.height, t));"""
    found = await told(window, f"{assets}/geometry.js", body)
    assert [None if value is None else round(value, 6) for value in found] == [0, 0.5, 1, None, 5, 5, None, None]


async def test_the_ramp_is_that_of_the_drawn_videos(window: Visitor, assets: str) -> None:
    found = await told(window, f"{assets}/geometry.js", "return [-1, 0, 0.5, 1, 2].map(m.colourOf)")
    slow, fast = "rgb(0, 120, 255)", "rgb(255, 60, 0)"
    assert found == [slow, slow, "rgb(128, 90, 128)", fast, fast]


async def test_a_simpler_line_stays_on_the_line(window: Visitor, assets: str) -> None:
    body = """
      const points = Array.from({ length: 500 }, (_, k) => [k, k < 250 ? k : 500 - k]);
      return [m.simplified(points, 0.5), m.simplified([[0, 0], [1, 1]], 1), m.simplified([[3, 3]], 1)];"""
    bent, short, single = await told(window, f"{assets}/geometry.js", body)
    assert bent == [[0, 0], [250, 250], [499, 1]]
    assert short == [[0, 0], [1, 1]]
    assert single == [[3, 3]]


async def test_alignment_by_start_and_by_height(window: Visitor, assets: str) -> None:
    """B climbs the same way at half the speed, from a start 1 s later."""
    body = """
      const climb = (start, pace) => ({ start, track: { t: [0, start, start + 4 / pace], height: [0, 0, 4] } });
      const [a, b] = [climb(1, 1), climb(2, 0.5)];
      for (const { track } of [a, b]) {
        const steps = Array.from({ length: 101 }, (_, k) => k / 100);
        const [, from, to] = track.t;
        track.t = [0, ...steps.map((part) => from + part * (to - from))];
        track.height = [0, ...steps.map((part) => part * 4)];
      }
      const [start, height] = ["start", "height"].map((by) => m.alignment(by, a, b));
      return [start(1), start(3), height(0.5), height(3), height(5), height(9)];"""
    found = await told(window, f"{assets}/alignment.js", body)
    assert found == pytest.approx([2, 4, 1.5, 6, 10, 10], abs=0.02)


@pytest.mark.parametrize(
    ("wished", "language"),
    [(["de-AT", "en"], "de"), (["fr", "de"], "de"), (["fr"], "en"), ([], "en"), (["EN-us"], "en")],
)
async def test_which_language(window: Visitor, assets: str, wished: list[str], language: str) -> None:
    assert await told(window, f"{assets}/words.js", f"return m.pickLanguage(null, {wished})") == language
    assert await told(window, f"{assets}/words.js", f"return m.pickLanguage('de', {wished})") == "de"


@pytest.mark.parametrize("module", ["texts.js", "texts_status.js"])
async def test_every_word_is_there_twice(window: Visitor, assets: str, module: str) -> None:
    """In both languages, with the same places to fill."""
    body = "return Object.entries(Object.values(m)[0])"
    words = await told(window, f"{assets}/{module}", body)
    assert len(words) > 30
    for key, texts in words:
        assert len(texts) == 2, key
        assert all(texts), key
        places = [sorted(part.partition("}")[0] for part in text.split("{")[1:]) for text in texts]
        assert places[0] == places[1], key
