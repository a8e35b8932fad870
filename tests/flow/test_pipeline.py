"""A clip goes in over HTTP, a measured analysis comes out: the real processes, the real protocol, a real emulator."""

import io
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio

from tests.clips import truncate, write_sound
from tests.figure import Climber, drawn_climber
from tests.flow.product import ADMIN, ROOT, Product, product, wait_for

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
REAL_CLIPS = ROOT.parent / "shared" / "clips"
FIRST_FIELDS = ["timestamp", "level", "event", "schema_version", "service", "instance", "version", "trace_id"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "drawn.mp4"
    drawn_climber(path, Climber())
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with product(tmp_path_factory.mktemp("product")) as running:
        yield running


def real(name: str) -> Path:
    clip = REAL_CLIPS / name
    if not clip.exists():
        pytest.skip(f"needs {name} beside the checkout, in ../shared/clips")
    return clip


async def result(it: Product, analysis_id: str) -> dict[str, Any]:
    status, body = await it.get(f"/analysis/{analysis_id}")
    assert status == 200, body
    return body


async def test_a_drawn_climb_is_measured(it: Product, drawn: Path) -> None:
    analysis_id = await it.send(drawn)
    assert (await it.ended(analysis_id))["status"] == "completed"
    found = await result(it, analysis_id)
    assert found["quality"]["method"] in ("pose", "motion_track")
    assert found["metrics"]["height_gain"]["value"] > 0
    assert found["metrics"]["height_gain"]["source"] == "measured"
    assert found["model"] is None
    assert found["timing"]["total_ms"] >= found["timing"]["analyze_ms"] > 0
    assert len(found["track"]) > 20
    for frame in found["frames"]:
        async with it.http.get(frame["url"]) as answer:
            assert (answer.status, (await answer.read())[:2]) == (200, b"\xff\xd8")


async def test_a_real_climb_has_its_hip_line(it: Product) -> None:
    analysis_id = await it.send(real("boulder-indoor.mp4"))
    assert (await it.ended(analysis_id, limit=90))["status"] == "completed"
    found = await result(it, analysis_id)
    assert found["quality"]["method"] == "pose"
    assert found["quality"]["pose_rate"] >= 0.95
    status, overlay = await it.get(f"/analysis/{analysis_id}/overlay")
    assert status == 200
    assert overlay["video_dimensions"] == {"width": 1080, "height": 1440}
    (line,) = [e for e in overlay["overlay_elements"] if e["type"] == "ideal_route_line"]
    assert all(0 < p["x"] <= 1080 and 0 < p["y"] <= 1440 and p["time"] > 0 for p in line["points"])


async def test_a_walk_has_no_climbing_number(it: Product) -> None:
    analysis_id = await it.send(real("walking-street.mp4"))
    assert (await it.ended(analysis_id, limit=90))["status"] == "completed"
    found = await result(it, analysis_id)
    for name in ("height_gain", "path_length", "hand_placements", "gie"):
        assert found["metrics"][name]["value"] is None
        assert found["metrics"][name]["reason"]
    assert found["performance_score"] is None
    assert found["route_analysis"]["total_moves"] is None


async def test_the_old_frontend_s_road(it: Product, drawn: Path) -> None:
    form = aiohttp.FormData()
    form.add_field("file", io.BytesIO(drawn.read_bytes()), filename="mein Züg.mp4", content_type="video/mp4")
    form.add_field("sport_type", "bouldering")
    status, body = await it.post("/upload", data=form)
    assert status == 202, body
    assert (await it.ended(body["analysis_id"]))["status"] == "completed"


async def test_s3_s_own_event_starts_what_nobody_completes(it: Product, drawn: Path) -> None:
    place = await it.init(drawn)
    assert await it.put(place, drawn) in (200, 201, 204)
    assert (await it.ended(place["analysis_id"]))["status"] == "completed"


async def test_both_roads_together_start_one_analysis(it: Product, drawn: Path) -> None:
    analysis_id = await it.send(drawn)
    for _ in range(3):
        await it.post("/upload/complete", json={"analysis_id": analysis_id})
    await it.ended(analysis_id)
    await wait_for("its line", lambda: _line(it, "analysis.completed", analysis_id))
    done = [e for e in it.events("analysis.completed") if e["analysis_id"] == analysis_id]
    downloads = [e for e in it.events("video.download.started") if e["analysis_id"] == analysis_id]
    assert (len(done), len(downloads)) == (1, 1)


def _file(path: Path, body: bytes) -> Path:
    path.write_bytes(body)
    return path


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("text", "UNSUPPORTED_CONTAINER"),
        ("truncated", "METADATA_EXTRACTION_FAILED"),
        ("sound", "NO_VALID_FRAMES"),
        ("webm called mp4", "CONTENT_MISMATCH"),
    ],
)
async def test_a_bad_file_fails_with_its_code(it: Product, drawn: Path, tmp_path: Path, kind: str, code: str) -> None:
    made = {
        "text": lambda: _file(tmp_path / "text.mp4", b"#EXTM3U\n" * 400),
        "truncated": lambda: truncate(drawn, tmp_path / "cut.mp4", 0.6),
        "sound": lambda: write_sound(tmp_path / "sound.mp4"),
        "webm called mp4": lambda: _file(tmp_path / "w.mp4", b"\x1aE\xdf\xa3" + b"\0" * 2000),
    }
    analysis_id = await it.send(made[kind]())
    ended = await it.ended(analysis_id)
    assert (ended["status"], ended["error"]["error_code"]) == ("failed", code)
    status, body = await it.get(f"/analysis/{analysis_id}")
    assert status >= 400
    assert body["error_code"] == code
    assert not list((it.folder / "scratch").rglob("clip.*"))


async def test_an_operator_s_retry_runs_it_again(it: Product, tmp_path: Path) -> None:
    analysis_id = await it.send(_file(tmp_path / "text.mp4", b"not a video " * 400))
    before = await it.ended(analysis_id)
    assert before["status"] == "failed"
    status, _ = await it.post("/analysis/retry", json={"analysis_id": analysis_id}, headers=ADMIN)
    assert status == 202

    async def again() -> bool:
        refused = [e for e in it.events("analysis.failed", "ingest") if e["analysis_id"] == analysis_id]
        return len(refused) == 2

    await wait_for("the second refusal", again)


async def test_a_killed_worker_s_analysis_completes_once(it: Product, drawn: Path) -> None:
    analysis_id = await it.send(drawn)

    async def working() -> bool:
        return (await it.status(analysis_id))["stage"] in ("extract", "analyze")

    await wait_for("the worker to be at it", working)
    it.stop("worker", signal.SIGKILL)
    it.start("worker")
    await wait_for("the end of the killed worker's children", _no_orphan)
    ended = await it.ended(analysis_id)
    assert (ended["status"], ended["attempt"]) == ("completed", 2)
    assert len([e for e in it.events("analysis.completed") if e["analysis_id"] == analysis_id]) == 1
    await wait_for("an empty scratch", lambda: _no_clip(it))


async def _line(it: Product, event: str, analysis_id: str) -> bool:
    return any(e["analysis_id"] == analysis_id for e in it.events(event))


async def _no_clip(it: Product) -> bool:
    return not list((it.folder / "scratch").rglob("clip.*"))


async def _no_orphan() -> bool:
    return not _children_of_nobody()


def _children_of_nobody() -> list[int]:
    """Sandbox processes whose worker is gone."""
    found = psutil.process_iter(["ppid", "cmdline"])
    return [p.pid for p in found if p.info["ppid"] == 1 and "consumer.sandbox.child" in (p.info["cmdline"] or [])]


async def test_one_trace_and_whole_lines(it: Product, drawn: Path) -> None:
    analysis_id = await it.send(drawn)
    await it.ended(analysis_id)
    for name in ("web", "ingest", "worker"):
        lines = it.lines(name)
        assert all(list(line)[: len(FIRST_FIELDS)] == FIRST_FIELDS for line in lines)
        assert [line for line in lines if line["level"] in ("error", "critical")] == []
    traces = {
        line["trace_id"]
        for name in ("ingest", "worker")
        for line in it.lines(name)
        if line["analysis_id"] == analysis_id
    }
    asked = {e["trace_id"] for e in it.events("http.request.completed", "web") if e["analysis_id"] == analysis_id}
    assert len(traces) == 1
    assert traces <= asked


async def test_downloads_are_cleaned_up(it: Product) -> None:
    started = {e["analysis_id"] for e in it.events("video.download.started")}
    assert started
    await wait_for("an empty scratch", lambda: _no_clip(it))


async def test_sigterm_ends_every_process(it: Product, drawn: Path) -> None:
    """The last test of this file: afterwards nothing runs any more."""
    analysis_id = await it.send(drawn)
    assert {name: it.stop(name) for name in list(it.running)} == {"web": 0, "ingest": 0, "worker": 0}
    assert _children_of_nobody() == []
    for name in ("web", "ingest", "worker"):
        it.start(name)

    async def up() -> bool:
        try:
            return (await it.get("/livez"))[0] == 200
        except aiohttp.ClientConnectionError:
            return False

    await wait_for("the service", up)
    assert (await it.ended(analysis_id))["status"] == "completed"
