import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.__main__ import main, work
from consumer.engine.engine import Engine
from consumer.figures import Figures
from consumer.roles import analysis_role, limits_of
from core.error_codes import ErrorCode
from core.failure import Failure
from core.settings import Settings
from ops.desired import SPARE_RECEIVES
from tests.engine.rig import TinyHandler, for_ever, make_engine, make_setup
from tests.fakes import FakeQueue

SETTINGS = Settings(bucket="b", _env_file=None)


async def interrupted(engine: Engine, *after: float) -> tuple[float, Sequence[str]]:
    """Runs the engine as a process does and sends SIGTERM after so many seconds, each counted from the last.
    Returns how long it took from the first signal, and what was logged."""
    loop = asyncio.get_running_loop()

    @asynccontextmanager
    async def role(settings: Settings, _: Figures) -> AsyncIterator[Engine]:
        yield engine

    with capture_logs() as logs:
        running = asyncio.create_task(work(SETTINGS, "test", role))
        await asyncio.sleep(after[0])
        first = loop.time()
        os.kill(os.getpid(), signal.SIGTERM)
        for wait in after[1:]:
            await asyncio.sleep(wait)
            os.kill(os.getpid(), signal.SIGTERM)
        await running
    return loop.time() - first, [line["event"] for line in logs]


async def test_a_signal_drains_and_says_so() -> None:
    queue = FakeQueue()
    await queue.send("a", {})
    took, events = await interrupted(make_engine(make_setup(queue), TinyHandler(run=for_ever)), 1)
    assert 25 <= took <= 27
    assert (events[0], events[-1]) == ("consumer.started", "consumer.stopped")
    assert events.count("consumer.stopping") == 1


async def test_a_second_signal_hurries_the_process() -> None:
    queue = FakeQueue()
    for body in "abc":
        await queue.send(body, {})
    took, events = await interrupted(make_engine(make_setup(queue), TinyHandler(run=for_ever)), 1, 3)
    assert 3 <= took <= 5
    assert events.count("consumer.stopping") == 2


def test_our_quarantine_comes_before_the_queues_own() -> None:
    ours = limits_of(SETTINGS, concurrency=1).max_receives
    assert SETTINGS.max_attempts < ours < SETTINGS.max_attempts + SPARE_RECEIVES


def test_a_poll_fits_into_a_short_drain() -> None:
    short = SETTINGS.model_copy(update={"drain_s": 3})
    assert limits_of(short, concurrency=1).wait_s == 3


async def test_a_scratch_that_never_holds_a_clip_is_refused_at_the_start(tmp_path: Path) -> None:
    small = SETTINGS.model_copy(update={"scratch_bytes": 1000, "scratch_dir": tmp_path})
    with pytest.raises(Failure, match="SCRATCH_BYTES") as refused:
        async with analysis_role(small, Figures()):
            pass
    assert refused.value.code is ErrorCode.SCRATCH_FULL


def test_help_helps(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("ingest", "analysis", "file CLIP", "SIGTERM"))
