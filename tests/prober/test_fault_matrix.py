"""Nine stages, four faults: the right stage is blamed, thirty-six times of thirty-six.

The service, the emulator and the consumers are real processes. Faults come from outside of what is probed: a proxy
before service and bucket, consumers that were told to fail in one stage for one analysis.
"""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core.error_codes import ErrorCode
from core.trace import new_trace
from core.verdicts import STAGES, Run
from prober.blame import Blamed
from prober.clip import make_clip, new_nonce
from prober.probe import Probe
from prober.report import Facts, run_of
from prober.site import open_site
from prober.stopwatch import Stopwatch
from tests.flow.product import Product
from tests.prober.fault_proxy import FaultProxy, fault_proxy
from tests.prober.installation import ADMIN_TOKEN, installation

pytestmark = [pytest.mark.timeout(550), pytest.mark.asyncio(loop_scope="module")]
KINDS = ("error", "hang", "slow", "corrupt")
SIDE_BY_SIDE = 3
FAULTY = {
    "ingest": ("-m", "tests.prober.faulty_consumer", "ingest"),
    "worker": ("-m", "tests.prober.faulty_consumer", "analysis"),
}
ENV = {
    # a failed try is the end: what a retry does is another test's business
    "MAX_ATTEMPTS": "1",
    "POSE_MODEL": "lite",
    "WORKER_CONCURRENCY": "12",
    "INGEST_CONCURRENCY": "16",
    "MAX_UPLOAD_BYTES": str(4 * 2**20),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with installation(tmp_path_factory.mktemp("matrix"), commands=FAULTY, env=ENV) as running:
        yield running
        for name in FAULTY:
            # they hang as they were told to, and would do so for the whole drain
            running.stop(name, signal.SIGKILL)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Whole seconds, in proportion to what a good probe takes on this machine now: `slow` is how long a slow stage is
    held up, well over any other stage; `limit` is the time-out of a probe."""

    slow: int
    limit: int

    @classmethod
    def of(cls, good_s: float) -> "Pace":
        slow = max(5, round(1.5 * good_s))
        return cls(slow=slow, limit=round(slow + 4 * good_s) + 10)


async def nothing(_: str) -> None:
    pass


async def probed(it: Product, stage: str, kind: str, pace: Pace, yesterday: Mapping[str, Any] | None = None) -> Run:
    """One probe with one fault, as its report tells it."""
    proxy = FaultProxy(
        http=it.http, service=it.url, stage=stage, kind=kind, slow_s=pace.slow, yesterday=yesterday or {}
    )
    clip = await asyncio.to_thread(make_clip, new_nonce())
    facts, started = Facts(run_id=f"{stage}-{kind}-{pace.slow}"), datetime.now(UTC)
    async with fault_proxy(proxy), open_site(proxy.url, admin_token=ADMIN_TOKEN, trace=new_trace()) as site:
        watch = Stopwatch(time.monotonic)
        probe = Probe(site=site, clip=clip, watch=watch, on_stage=nothing, on_made=nothing, limit_s=pace.limit)
        try:
            await probe.run(facts.run_id)
        except Blamed as blamed:
            facts.failed = blamed
    finished, slow_after = datetime.now(UTC), 0.9 * pace.slow
    return run_of(facts, trigger="once", started=started, finished=finished, watch=watch, slow_after_s=slow_after)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pace(it: Product) -> Pace:
    """Found out by good probes, as many side by side as there will be."""
    patient = Pace(slow=1000, limit=100)
    good = await asyncio.gather(*(probed(it, "no", "fault", patient) for _ in range(SIDE_BY_SIDE)))
    assert [(run.result, run.detail) for run in good] == [("pass", None)] * SIDE_BY_SIDE
    return Pace.of(max(run.wall_ms for run in good) / 1000)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def matrix(it: Product, pace: Pace) -> dict[tuple[str, str], Run]:
    """All of them. Those that hang mostly wait, all at once; then the others, as many side by side as set the pace."""
    yesterday = await a_good_result(it)
    few = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(stage: str, kind: str) -> Run:
        async with few if kind != "hang" else nullcontext():
            return await probed(it, stage, kind, pace, yesterday)

    hanging = [(stage, "hang") for stage in STAGES]
    others = [(stage, kind) for kind in KINDS if kind != "hang" for stage in STAGES]
    runs = [*await asyncio.gather(*(one(*cell) for cell in hanging))]
    runs += await asyncio.gather(*(one(*cell) for cell in others))
    return dict(zip([*hanging, *others], runs, strict=True))


async def a_good_result(it: Product) -> Mapping[str, Any]:
    clip = await asyncio.to_thread(make_clip, new_nonce())
    path = Path(it.folder / "yesterday.mp4")
    path.write_bytes(clip.data)
    analysis_id = await it.send(path)
    assert (await it.ended(analysis_id))["status"] == "completed"
    _, result = await it.get(f"/analysis/{analysis_id}")
    return result


async def test_the_right_stage_is_blamed_every_time(matrix: dict[tuple[str, str], Run]) -> None:
    wrong = {
        cell: (run.result, run.failed_stage, run.slow_stage, run.error_code, run.detail)
        for cell, run in matrix.items()
        if (run.failed_stage if cell[1] != "slow" else run.slow_stage) != cell[0]
    }
    assert len(matrix) == 36
    assert not wrong, json.dumps({"/".join(cell): told for cell, told in wrong.items()}, indent=1)


@pytest.mark.parametrize("stage", STAGES)
async def test_each_fault_has_its_code(matrix: dict[tuple[str, str], Run], stage: str) -> None:
    found = {kind: matrix[stage, kind] for kind in KINDS}
    assert [found[kind].result for kind in KINDS] == ["fail", "fail", "warn", "fail"]
    assert found["hang"].error_code is ErrorCode.STAGE_TIMEOUT
    assert found["slow"].error_code is None
    late = (ErrorCode.STAGE_TIMEOUT,) if stage == "queue" else (ErrorCode.PROBE_WRONG_ANSWER,)
    assert found["corrupt"].error_code in late
    assert found["error"].error_code not in (None, ErrorCode.PROBE_WRONG_ANSWER, ErrorCode.STAGE_TIMEOUT)


async def test_the_stage_times_add_up(matrix: dict[tuple[str, str], Run]) -> None:
    for cell, run in matrix.items():
        assert sum(one.ms for one in run.stages) == pytest.approx(run.wall_ms, rel=0.05, abs=10), cell
