"""One probe at a time, fenced; who dies or is stopped is seen, and does no harm. Real processes."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from core.aws.clients import open_clients
from core.aws.verdicts import DynamoVerdicts
from core.settings import load_settings
from tests.flow.product import ADMIN, ROOT, Product
from tests.prober.installation import (
    ENV,
    PATH,
    board_of,
    ended,
    installation,
    lines_of,
    objects_in,
    reached,
    said,
    until,
)

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with installation(tmp_path_factory.mktemp("one"), env=ENV) as running:
        yield running


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
    seen = len(lines_of(it, "once"))
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
    analysis_id = archive.runs[0].analysis_id

    async def nothing_left() -> bool:
        # ingest may have been about to store a picture: who deletes is told to ask again
        async with it.http.delete(f"{it.url}/analysis/{analysis_id}", headers=ADMIN) as reply:
            assert reply.status in (200, 202)
        return not await objects_in(it)

    await until("nothing in the bucket", nothing_left)


async def test_a_stale_holder_writes_nothing(it: Product) -> None:
    """Frozen in the middle of a run, replaced, and woken up again."""
    seen = len(lines_of(it, "once"))
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
