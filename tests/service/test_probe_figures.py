"""What a scrape of the web process says of the prober's verdicts."""

from datetime import timedelta

from core.error_codes import ErrorCode
from core.verdicts import Archive, Board, Spent
from service.metrics import Metrics
from service.pipeline import Pipeline
from service.probe_figures import ProbeCollector
from tests.fakes import MOMENT, Faults
from tests.fakes.verdicts import FakeVerdicts
from tests.prober.examples import a_board, a_run
from tests.promises.test_16_liveness import samples
from tests.service.world import settings

Found = dict[str, list[tuple[dict[str, str], float]]]


async def found_in(board: Board | None, *runs: str, later: float = 10, faults: Faults | None = None) -> Found:
    verdicts = FakeVerdicts(faults or Faults())
    if board is not None:
        await verdicts.swap(seen=None, wanted=board)
        codes = {"wrong": ("fail", ErrorCode.PROBE_WRONG_ANSWER)}
        kept = [a_run(codes[run][0], error_code=codes[run][1]) if run in codes else a_run(run) for run in runs]
        await verdicts.keep(Archive(runs=tuple(kept)), token=1)
    pipeline = Pipeline(verdicts, settings().cadence)
    if faults is not None:
        faults.broken("verdicts.board", TimeoutError())
    await pipeline.seen()
    metrics = Metrics()
    metrics.watch(ProbeCollector(pipeline, settings(), now=lambda: MOMENT + timedelta(seconds=later)))
    return samples(metrics.exposition().decode())


def one(found: Found, name: str) -> float:
    ((_, value),) = found[name]
    return value


async def test_a_good_pipeline() -> None:
    found = await found_in(a_board(), "pass", "pass")
    assert {labels["status"] for labels, value in found["performate_probe_status"] if value} == {"pass"}
    assert one(found, "performate_probe_silent") == 0
    assert one(found, "performate_probe_down") == 0
    assert found["performate_probe_recent_failures"] == [({"error_code": "PROBE_WRONG_ANSWER"}, 0)]
    assert one(found, "performate_probe_recent_runs") == 2
    assert one(found, "performate_probe_last_run_timestamp_seconds") == MOMENT.timestamp()
    assert sum(value for _, value in found["performate_probe_last_stage_seconds"]) == one(
        found, "performate_probe_last_run_seconds"
    )


async def test_silence_is_told() -> None:
    found = await found_in(a_board(), "pass", later=3600)
    assert one(found, "performate_probe_silent") == 1
    assert {labels["status"] for labels, value in found["performate_probe_status"] if value} == {"fail"}


async def test_what_cannot_be_read_is_silence() -> None:
    assert one(await found_in(a_board(), faults=Faults()), "performate_probe_silent") == 1


async def test_a_pipeline_that_is_down() -> None:
    down = a_board(a_run("fail")).model_copy(update={"state": "down"})
    found = await found_in(down, "fail", "wrong", "pass")
    assert one(found, "performate_probe_down") == 1
    assert one(found, "performate_probe_silent") == 0
    codes = {labels["error_code"]: value for labels, value in found["performate_probe_recent_failures"]}
    assert codes == {"PROBE_WRONG_ANSWER": 1, "STAGE_TIMEOUT": 1}


async def test_only_the_window_counts() -> None:
    found = await found_in(a_board(), *["pass"] * 5, "wrong")
    assert found["performate_probe_recent_failures"] == [({"error_code": "PROBE_WRONG_ANSWER"}, 0)]


async def test_the_budget_is_of_today() -> None:
    days = (f"{MOMENT:%Y-%m-%d}", "2020-01-01")
    today, before = (a_board(spent=Spent(day=day, usd=0.4, tokens=100_000)) for day in days)
    spent = {labels["unit"]: value for labels, value in (await found_in(today))["performate_probe_budget_spent_ratio"]}
    assert spent == {"usd": 0.8, "tokens": 0.5}
    spent = {labels["unit"]: value for labels, value in (await found_in(before))["performate_probe_budget_spent_ratio"]}
    assert spent == {"usd": 0.0, "tokens": 0.0}


async def test_nothing_is_said_before_something_was_read() -> None:
    metrics = Metrics()
    pipeline = Pipeline(FakeVerdicts(), settings().cadence)
    metrics.watch(ProbeCollector(pipeline, settings(), now=lambda: MOMENT))
    assert "performate_probe_status" not in samples(metrics.exposition().decode())
