"""The prober as a real process beside the real pipeline: killed, stopped, cancelled, raced, and at its daily work."""

import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from core.aws.clients import open_clients
from core.aws.records import DynamoRecords
from core.settings import load_settings
from core.verdicts import STAGES
from tests.flow.product import Product
from tests.ops.commands import performate
from tests.prober.installation import (
    ADMIN_TOKEN,
    ENV,
    PATH,
    board_of,
    ended,
    installation,
    lines_of,
    messages_in,
    objects_in,
    reached,
    records_in,
    said,
    until,
)

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]
KILLS_AT_EACH_STAGE = 1
RESULTS = ("pass", "warn")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with installation(tmp_path_factory.mktemp("real"), env=ENV) as running:
        yield running


async def test_once_passes_and_the_verdict_says_so(it: Product) -> None:
    it.start("once")
    assert await ended(it, "once") == 0
    (line,) = said(it, "probe.completed", "once")
    assert line["result"] in RESULTS
    assert line["method"] in ("pose", "motion_track")
    assert sum(line["stage_ms"].values()) == pytest.approx(line["wall_ms"], rel=0.05)
    status, body = await it.get(PATH)
    assert (status, body["run_id"]) == (200, line["run_id"])
    assert any("no model" in note for note in body["notes"])


async def test_the_synthetic_mark_is_everywhere(it: Product) -> None:
    """Header, record, message, log, metrics: and the users' own figures have no part of it."""
    analysis_id = (await board_of(it)).last.analysis_id  # type: ignore[union-attr]
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        record = await DynamoRecords(clients.dynamodb, settings.table).get(str(analysis_id))
    assert record is None or record.synthetic
    for name in ("ingest", "worker", "web"):
        lines = [line for line in lines_of(it, name) if line.get("analysis_id") == analysis_id]
        assert lines, name
        assert all(line["synthetic"] for line in lines), name
    async with it.http.get(f"{it.url}/metrics") as answer:
        figures = (await answer.text()).splitlines()
    ours = [line for line in figures if 'route="/upload/' in line or 'route="/analysis/' in line]
    assert ours
    assert all('synthetic="true"' in line for line in ours)


async def test_what_it_made_is_gone_for_readers(it: Product) -> None:
    analysis_id = (await board_of(it)).last.analysis_id  # type: ignore[union-attr]
    status, _ = await it.get(f"/analysis/{analysis_id}/status")
    assert status == 404
    assert await objects_in(it) == []


async def test_one_probe_as_json(it: Product) -> None:
    done = await performate(None, "probe", "once", "--json", env={**it.env, "LOG_FORMAT": "console"})
    assert done.code == 0, done.err
    assert done.json["result"] in RESULTS
    assert set(done.json["stage_ms"]) == set(STAGES)
    unable = await performate(None, "probe", "once", "--json", env={**it.env, "ADMIN_TOKEN": ""})
    assert (unable.code, unable.json["event"]) == (2, "probe.start.failed")


async def test_verify_needs_the_address_alone(it: Product) -> None:
    """And prints the figures; the token, where there is one, removes what it sent."""
    token = {"ADMIN_TOKEN": ADMIN_TOKEN}
    done = await performate(None, "verify", it.url, "--json", env=token)
    assert done.code == 0, done.out + done.err
    assert {one["level"] for one in done.json["checks"]} <= {"ok", "warn"}
    assert list(done.json["stage_ms"]) == list(STAGES)
    assert sum(done.json["stage_ms"].values()) == pytest.approx(done.json["total_ms"], rel=0.05)
    assert ADMIN_TOKEN not in done.out + done.err
    assert await objects_in(it) == []
    wrong = await performate(None, "verify", it.url, "--expect-version", "not-this-one", "--limit", "1", env=token)
    assert wrong.code == 1
    assert "fail  health" in wrong.out


async def test_verify_says_what_stands_still(it: Product) -> None:
    it.stop("worker")
    try:
        done = await performate(None, "verify", it.url, "--limit", "3")
    finally:
        it.start("worker")
    assert done.code == 1
    assert "fail  a clip" in done.out
    assert "stage queue: STAGE_TIMEOUT" in done.out
    assert "give ADMIN_TOKEN to have it removed" in done.out
    for analysis_id in await records_in(it):
        headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
        async with it.http.delete(f"{it.url}/analysis/{analysis_id}", headers=headers) as answer:
            assert answer.status in (200, 202)
    await until("nothing in the bucket", lambda: _nothing_in_the_bucket(it))


async def test_killed_at_each_stage_nothing_is_left_after_the_next_run(it: Product) -> None:
    for stage in STAGES * KILLS_AT_EACH_STAGE:
        seen = len(lines_of(it, "once"))
        it.start("once")
        process = it.running["once"]
        await until(f"a prober in {stage}", lambda: reached(it, stage, process, seen))  # noqa: B023  awaited here
        it.stop("once", signal.SIGKILL)
    left = set(await records_in(it))
    assert len(left) >= 7
    it.start("once")
    assert await ended(it, "once") == 0
    swept = said(it, "probe.completed", "once")[-1]["swept"]
    assert swept["analyses"] >= 7
    # a worker that was at work on one of them removes what it wrote after the sweep
    await until("nothing in the bucket", lambda: _nothing_in_the_bucket(it))
    assert await messages_in(it) == 0
    assert [i for i in left if (await it.get(f"/analysis/{i}/status"))[0] != 404] == []
    await until("scratch to be empty", lambda: _no_clip(it))
    await until("their records to go", lambda: _records_gone(it, left))


async def _nothing_in_the_bucket(it: Product) -> bool:
    return not await objects_in(it)


async def _no_clip(it: Product) -> bool:
    return not list((it.folder / "scratch").rglob("clip.*"))


async def _records_gone(it: Product, left: set[str]) -> bool:
    """What stands for messages that may still come is removed by a run after that."""
    if not set(await records_in(it)) & left:
        return True
    it.start("once")
    assert await ended(it, "once") == 0
    return False
