"""The prober as a real process beside the real pipeline: killed, stopped, cancelled, raced, and at its daily work."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from core.aws.clients import open_clients
from core.aws.queue import dead_letter_name, open_queue
from core.aws.records import DynamoRecords
from core.aws.verdicts import DynamoVerdicts
from core.settings import load_settings
from core.verdicts import STAGES, Board
from tests.flow.product import ADMIN, ROOT, Product, wait_for
from tests.prober.installation import installation

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]
PATH = "/health/analysis-pipeline"
ENV = {
    "PROBE_INTERVAL_S": "120",
    "PROBE_TIMEOUT_S": "100",
    "PROBE_LEASE_S": "3",
    "POSE_MODEL": "lite",
    "VISIBILITY_S": "10",
}
KILLS_AT_EACH_STAGE = 1
RESULTS = ("pass", "warn")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with installation(tmp_path_factory.mktemp("real"), env=ENV) as running:
        yield running


async def until(what: str, look: Callable[[], Awaitable[Any]]) -> Any:
    return await wait_for(what, look, limit=150)


async def ended(it: Product, name: str) -> int:
    """The exit code of a prober, once it has ended by itself."""

    async def look() -> tuple[int] | None:
        code = it.running[name].poll()
        return None if code is None else (code,)

    (code,) = await until(f"the end of {name}", look)
    del it.running[name]
    return int(code)


def said(it: Product, event: str, name: str) -> list[dict[str, Any]]:
    return [line for line in _whole_lines(it, name) if line["event"] == event]


def _whole_lines(it: Product, name: str) -> list[dict[str, Any]]:
    """A line may be half written while it is read."""
    path = it.folder / f"{name}.log"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


async def board_of(it: Product) -> Board:
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        return await DynamoVerdicts(clients.dynamodb, settings.table).board() or Board()


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
        lines = [line for line in _whole_lines(it, name) if line.get("analysis_id") == analysis_id]
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


async def objects_in(it: Product) -> list[str]:
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        found = await clients.s3.list_objects_v2(Bucket=settings.bucket)
    return [item["Key"] for item in found.get("Contents", [])]


async def records_in(it: Product) -> list[str]:
    """Ids of analyses in the table."""
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        found = await clients.dynamodb.scan(TableName=settings.table)
    return [item["analysis_id"]["S"] for item in found["Items"] if "created_at" in item]


async def messages_in(it: Product) -> int:
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        names = [settings.ingest_queue, settings.analysis_queue]
        queues = [await open_queue(clients, name) for name in [*names, *map(dead_letter_name, names)]]
        return sum([await queue.depth() for queue in queues])


async def reached(it: Product, stage: str, process: subprocess.Popen[bytes], seen: int) -> bool:
    """Whether a prober that is started now has come to that stage; `seen` lines were there before."""
    assert process.poll() is None, "it ended before it came there"
    lines = _whole_lines(it, "once")[seen:]
    if stage == "init":
        return any(line["event"] == "probe.started" for line in lines)
    return any(line["event"] == "probe.stage" and STAGES.index(line["stage"]) >= STAGES.index(stage) for line in lines)  # type: ignore[arg-type]


async def test_killed_at_each_stage_nothing_is_left_after_the_next_run(it: Product) -> None:
    for stage in STAGES * KILLS_AT_EACH_STAGE:
        seen = len(_whole_lines(it, "once"))
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
    assert await objects_in(it) == []
    assert await messages_in(it) == 0
    assert [i for i in left if (await it.get(f"/analysis/{i}/status"))[0] != 404] == []
    await until("scratch to be empty", lambda: _no_clip(it))
    await until("their records to go", lambda: _records_gone(it, left))


async def _no_clip(it: Product) -> bool:
    return not list((it.folder / "scratch").rglob("clip.*"))


async def _records_gone(it: Product, left: set[str]) -> bool:
    """What stands for messages that may still come is removed by a run after that."""
    if not set(await records_in(it)) & left:
        return True
    it.start("once")
    assert await ended(it, "once") == 0
    return False


async def test_50_triggers_a_loop_and_a_cron_are_one_run(it: Product) -> None:
    it.start("prober")
    await until("the loop's first run", lambda: _ran(it, 1))
    before = len((await it.get(f"{PATH}/history"))[1]["runs"])
    it.running["worker"].send_signal(signal.SIGSTOP)
    asked = await asyncio.gather(*(it.post(f"{PATH}/run", headers=ADMIN) for _ in range(50)))
    it.start("other")
    code = await ended_or_running(it, "other")
    it.running["worker"].send_signal(signal.SIGCONT)
    assert {status for status, _ in asked} == {202}
    (run_id,) = {body["run_id"] for _, body in asked}

    async def done() -> bool:
        board = await board_of(it)
        return (
            board.running is None
            and board.requested is None
            and board.last is not None
            and (board.last.run_id == run_id)
        )

    await until("the one run", done)
    if "other" in it.running:
        code = await ended(it, "other")
    assert code in (0, 75)
    started = [*said(it, "probe.started", "prober")[1:], *said(it, "probe.started", "other")]
    assert [line["run_id"] for line in started] == [run_id]
    assert before >= 1
    assert it.stop("prober") == 0


async def _ran(it: Product, times: int) -> bool:
    return len(said(it, "probe.completed", "prober")) + len(said(it, "probe.failed", "prober")) >= times


async def ended_or_running(it: Product, name: str) -> int | None:
    """Until a prober has either found another one at work, or has begun itself."""

    async def look() -> tuple[int | None] | None:
        code = it.running[name].poll()
        if code is not None:
            del it.running[name]
            return (code,)
        return (None,) if said(it, "probe.started", name) else None

    (code,) = await until(f"{name} to decide", look)
    return code


async def test_sigterm_is_cancelled(it: Product) -> None:
    seen = len(_whole_lines(it, "once"))
    it.start("once")
    process = it.running["once"]
    await until("a prober in the queue", lambda: reached(it, "queue", process, seen))
    before = (await board_of(it)).state
    assert it.stop("once", signal.SIGTERM) == 143
    board = await board_of(it)
    assert (board.running, board.state) == (None, before)
    _, body = await it.get(f"{PATH}/history")
    settings = load_settings(it.env)
    async with open_clients(settings) as clients:
        archive = await DynamoVerdicts(clients.dynamodb, settings.table).archive()
    assert archive.runs[0].result == "cancelled"
    assert body["failures"] == []
    assert await objects_in(it) == []


async def test_a_stale_holder_writes_nothing(it: Product) -> None:
    """Frozen in the middle of a run, replaced, and woken up again."""
    seen = len(_whole_lines(it, "once"))
    it.start("once")
    frozen = it.running["once"]
    await until("a prober in the queue", lambda: reached(it, "queue", frozen, seen))
    frozen.send_signal(signal.SIGSTOP)
    it.start("other")
    assert await ended(it, "other") == 0
    board = await board_of(it)
    frozen.send_signal(signal.SIGCONT)
    assert await ended(it, "once") == 75
    assert await board_of(it) == board


async def test_what_nobody_may_do_does_not_start(it: Product) -> None:
    argv = [*it.commands["once"]]
    for env, code in (({"ADMIN_TOKEN": ""}, 2), ({"PROBE_TIMEOUT_S": "500"}, 2), ({"SENTRY_DSN": "nonsense"}, 2)):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, *argv],
            env={**it.env, **env},
            cwd=ROOT,
            capture_output=True,
            check=False,
            timeout=100,
        )
        assert done.returncode == code, done.stdout


async def test_a_dead_worker_and_a_dead_prober_are_seen(it: Product) -> None:
    """The last test of this file: what runs now has other settings."""
    it.stop("worker")
    it.stop("web")
    interval = await well_over_a_run(it)
    it.env |= {"PROBE_INTERVAL_S": str(interval), "PROBE_TIMEOUT_S": str(interval)}
    it.env |= {"PROBE_FAILURES": "1", "PROBE_RECOVERIES": "1"}
    it.start("web")
    it.start("prober")

    async def stands(status: int, code: str | None) -> dict[str, Any] | None:
        try:
            found, body = await it.get(PATH)
        except OSError:
            return None
        return body if (found, body["error_code"]) == (status, code) else None

    down = await until("the dead worker to be seen", lambda: stands(503, "STAGE_TIMEOUT"))
    assert down["failed_stage"] == "queue"
    it.start("worker")
    up = await until("the worker to be seen again", lambda: stands(200, None))
    assert up["last_failure"]["error_code"] == "STAGE_TIMEOUT"
    assert it.stop("prober", signal.SIGKILL) == -signal.SIGKILL
    died = time.monotonic()
    await until("the dead prober to be seen", lambda: stands(503, "PROBE_STALE"))
    assert time.monotonic() - died < 2.5 * interval + 20


async def well_over_a_run(it: Product) -> int:
    """Seconds: three times what the last run took, on this machine and now."""
    last = (await board_of(it)).last
    assert last is not None
    return max(8, round(3 * last.wall_ms / 1000))
