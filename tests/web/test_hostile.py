"""File names and model texts are a stranger's: whatever they hold, they stay text."""

from pathlib import Path

from core.result import Claim, Difficulty, ModelBlock, Usage
from tests.flow.product import Product
from tests.web.conftest import Visit
from tests.web.planting import plant

HOSTILE = (
    "<script>window.owned=1</script>",
    "<img src=x onerror=window.owned=1>",
    "<svg onload=window.owned=1>",
    "<svg><script>window.owned=1</script></svg>",
    '"><script>window.owned=1</script>',
    "' onmouseover='window.owned=1",
    '" autofocus onfocus="window.owned=1',
    "javascript:window.owned=1",
    "<a href=javascript:window.owned=1>click</a>",
    "<iframe src=javascript:parent.owned=1>",
    "<iframe srcdoc='<script>parent.owned=1</script>'>",
    "<object data=javascript:window.owned=1>",
    "<embed src=data:text/html,<script>window.owned=1</script>>",
    "<form action=javascript:window.owned=1><button>x",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href=https://evil.example/>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.owned=1>",
    "<template><script>window.owned=1</script></template>",
    "<video><source onerror=window.owned=1></video>",
    "<details open ontoggle=window.owned=1>",
    "{{constructor.constructor('window.owned=1')()}}",
    "${window.owned=1}",
    "{name} {percent} {time}",
    "__proto__",
    "&lt;script&gt;window.owned=1&lt;/script&gt;",
    "\u202egnp.4pm\u202c and \u2066more\u2069",
    "line\u2028break\u2029here",
    "🧗" * 40 + "x" * 120,
)


async def test_thirty_hostile_file_names(it: Product, visit: Visit, tmp_path: Path) -> None:
    """In the list of uploads, as the browser gives them; the files are refused, so that all of them stay there."""
    window = await visit()
    await window.open()
    small = tmp_path / "small"
    small.write_bytes(b"x")
    for name in HOSTILE:
        await window.drop(small, name=f"{name}.mp4")
    await window.until(f"document.querySelectorAll('.clip .panel.bad').length === {len(HOSTILE)}")
    shown = await window.page.locator(".clip > .row > .name").evaluate_all("all => all.map((name) => name.textContent)")
    assert [name.removesuffix(".mp4") for name in shown] == list(HOSTILE)
    assert await window.page.evaluate("window.owned") is None
    assert await window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_thirty_hostile_texts_of_a_model(it: Product, visit: Visit, done: str, pictures: Path) -> None:
    _, result = await it.get(f"/analysis/{done}")
    frame = result["frames"][0]["id"]
    kinds = ("observation", "tip", "risk")
    claims = tuple(
        Claim(text=text[:280], kind=kinds[k % 3], frame_ids=(frame, "<b>"), metric_ids=("gie",))
        for k, text in enumerate(HOSTILE)
    )
    model = ModelBlock(
        provider=HOSTILE[0],
        snapshot=HOSTILE[1],
        usage=Usage(input_tokens=1, output_tokens=1),
        cost_usd=None,
        refusal=HOSTILE[2],
        claims=claims,
        difficulty=Difficulty(low=HOSTILE[3], high=HOSTILE[4], system="v", confidence=0.5),
    )
    window = await visit(viewport={"width": 390, "height": 844})
    await window.open_result(await plant(it, done, filename=HOSTILE[1], model=model))
    assert await window.page.locator(".said").all_text_contents() == [claim.text for claim in claims]
    assert await window.page.locator(".thumbnail").count() == len(claims)
    assert await window.page.locator("h1 + .name").text_content() == HOSTILE[1]
    await window.page.locator(".thumbnail").first.click()
    await window.until(f"Math.abs(document.querySelector('video').currentTime - {result['frames'][0]['t']}) < 0.2")
    assert await window.page.evaluate("window.owned") is None
    assert await window.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not [request.url for request in window.requests if "evil" in request.url]
    await window.keep(pictures, "claims-phone")
