"""What a consumer counts: ends, stages, waits; users' and probes' apart."""

import asyncio
from pathlib import Path

from prometheus_client import generate_latest

from consumer.engine.breaker import Breaker
from consumer.engine.clock import SystemClock
from consumer.figures import ANALYSIS_BUCKETS, STAGE_BUCKETS, Figures
from consumer.scratch import open_scratch
from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status
from tests.consumer.rig import House
from tests.consumer.yard import Yard
from tests.engine.rig import half
from tests.promises.test_16_liveness import samples

Found = dict[str, list[tuple[dict[str, str], float]]]


def found_in(figures: Figures) -> Found:
    return samples(generate_latest(figures.registry).decode())


def value(found: Found, name: str, **labels: str) -> float | None:
    fitting = [one for given, one in found.get(name, []) if labels.items() <= given.items()]
    return sum(fitting) if fitting else None


def test_120_seconds_is_an_edge_of_what_is_promised() -> None:
    assert 120 in ANALYSIS_BUCKETS
    assert 120 in STAGE_BUCKETS


def test_every_code_has_its_zero_before_its_first_case() -> None:
    """Prometheus's increase() sees nothing of a series that begins with 1."""
    found = found_in(Figures())
    for code in (ErrorCode.DECODER_CRASHED, ErrorCode.RETRIES_EXHAUSTED, ErrorCode.UNSUPPORTED_CODEC):
        for synthetic in ("true", "false"):
            zero = value(found, "performate_analysis_failures_total", error_code=code, synthetic=synthetic)
            assert zero == 0
    assert value(found, "performate_analyses_total", outcome="failed", synthetic="false") == 0


def test_what_a_user_sent_is_refused_and_not_failed() -> None:
    figures = Figures()
    figures.failed(ErrorCode.UNSUPPORTED_CODEC, synthetic=False)
    figures.failed(ErrorCode.DECODER_CRASHED, synthetic=False)
    figures.failed(ErrorCode.DECODER_CRASHED, synthetic=True)
    found = found_in(figures)
    ends = {labels["outcome"]: n for labels, n in found["performate_analyses_total"] if labels["synthetic"] == "false"}
    assert ends == {"completed": 0, "failed": 1, "refused": 1}
    assert value(found, "performate_analyses_total", outcome="failed", synthetic="true") == 1


def test_a_long_clip_is_no_broken_promise() -> None:
    figures = Figures()
    figures.completed(seconds=300, clip_s=200, synthetic=False)
    figures.completed(seconds=20, clip_s=30, synthetic=False)
    found = found_in(figures)
    count = "performate_analysis_duration_seconds_count"
    assert value(found, count, clip="longer") == 1
    assert value(found, count, clip="up_to_30s") == 1


async def test_an_analysis_is_counted_with_its_stages(house: House) -> None:
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(20)
    assert house.record.status is Status.COMPLETED
    found = found_in(house.figures)
    assert value(found, "performate_analyses_total", outcome="completed", synthetic="false") == 1
    stages = {(labels["stage"], labels["outcome"]) for labels, n in found["performate_stage_duration_seconds_count"]}
    assert stages == {(stage, "ok") for stage in ("download", "extract", "analyze", "store")}


async def test_a_failure_is_counted_once_with_its_code(house: House) -> None:
    house.decoder.failures["measure"] = Failure(ErrorCode.STORAGE_UNAVAILABLE, "test")
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(300)
    found = found_in(house.figures)
    assert value(found, "performate_analysis_failures_total", error_code="RETRIES_EXHAUSTED", synthetic="false") == 1
    assert value(found, "performate_analyses_total", outcome="failed", synthetic="false") == 1
    assert value(found, "performate_stage_duration_seconds_count", stage="analyze", outcome="failed") == 3


async def test_who_leads_tells_how_long_users_wait() -> None:
    yard = Yard()
    await yard.queued()
    async with yard.working():
        await asyncio.sleep(61)
        found = found_in(yard.figures)
    waits = value(found, "performate_oldest_waiting_seconds")
    assert waits is not None
    assert 55 < waits < 65
    assert {labels["queue"] for labels, _ in found["performate_queue_depth"]} == {yard.ingest.name, yard.analysis.name}


async def test_a_probe_s_wait_is_nobody_s() -> None:
    yard = Yard()
    await yard.queued(synthetic=True)
    async with yard.working():
        await asyncio.sleep(61)
        assert value(found_in(yard.figures), "performate_oldest_waiting_seconds") == 0


async def test_who_does_not_lead_says_nothing() -> None:
    figures = Figures()
    figures.watch_fleet(SystemClock())
    assert value(found_in(figures), "performate_oldest_waiting_seconds") is None


def test_room_is_what_budget_and_disk_leave(tmp_path: Path) -> None:
    figures = Figures()
    with open_scratch(tmp_path, budget=1000) as scratch, scratch.folder(400):
        figures.watch_scratch(scratch, largest=300)
        found = found_in(figures)
    assert value(found, "performate_scratch_free_bytes") == 600
    assert value(found, "performate_scratch_reserved_bytes") == 400


async def test_an_open_breaker_is_one() -> None:
    figures, clock = Figures(), SystemClock()
    breaker = Breaker(clock, name="m", codes=frozenset({ErrorCode.MODEL_TIMEOUT}), chance=half, threshold=1)
    figures.watch_breaker(breaker)
    assert value(found_in(figures), "performate_breaker_open", breaker="m") == 0
    breaker.failed()
    assert value(found_in(figures), "performate_breaker_open", breaker="m") == 1
