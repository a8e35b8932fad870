"""What Prometheus reads of the prober's verdicts, from the web process: it outlives a prober that is a cron."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from core.error_codes import ErrorCode
from core.settings import Settings
from core.verdicts import Board, Run
from service.pipeline import Pipeline
from service.standing import Sighting, Standing, judge


class ProbeCollector(Collector):
    """From what was read last, however long ago: a scrape asks nobody. Nothing before something was read."""

    def __init__(self, pipeline: Pipeline, settings: Settings, *, now: Callable[[], datetime]) -> None:
        self._pipeline = pipeline
        self._settings = settings
        self._now = now

    def collect(self) -> Iterator[Metric]:
        if self._pipeline.reads == 0:
            return
        seen, now = self._pipeline.held, self._now()
        stands = judge(seen, now=now, cadence=self._pipeline.cadence)
        yield from _standing(stands, seen)
        yield from _recent(seen.archive.runs[: self._settings.probe_window])
        if seen.board is not None:
            yield from _last(seen.board)
            yield _budget(seen.board, self._settings, now)


def _standing(stands: Standing, seen: Sighting) -> Iterator[Metric]:
    status = GaugeMetricFamily("performate_probe_status", "1 for how the pipeline stands", labels=("status",))
    for word in ("pass", "warn", "fail"):
        status.add_metric((word,), 1.0 if stands.status == word else 0.0)
    yield status
    silent = stands.status == "fail" and not stands.known
    yield _gauge("performate_probe_silent", "1 while nobody knows how the pipeline stands", silent)
    down = seen.board is not None and seen.board.state == "down"
    yield _gauge("performate_probe_down", "1 from the flip to down to the flip to up", down)


def _recent(runs: Sequence[Run]) -> Iterator[Metric]:
    """Of the runs that are looked at (PROBE_WINDOW). A wrong answer has its zero, others come when there are any."""
    codes = Counter({ErrorCode.PROBE_WRONG_ANSWER: 0})
    codes.update(run.error_code for run in runs if run.error_code is not None)
    found = GaugeMetricFamily("performate_probe_recent_failures", "Of the last runs, by code", labels=("error_code",))
    for code, count in codes.items():
        found.add_metric((code,), count)
    yield found
    yield _gauge("performate_probe_recent_runs", "How many runs that is", len(runs))


def _last(board: Board) -> Iterator[Metric]:
    if board.last is None:
        return
    finished = datetime.fromisoformat(board.last.finished_at).timestamp()
    yield _gauge("performate_probe_last_run_timestamp_seconds", "When the last run ended", finished)
    yield _gauge("performate_probe_last_run_seconds", "How long the last run took", board.last.wall_ms / 1000)
    stages = GaugeMetricFamily("performate_probe_last_stage_seconds", "The last run's stages", labels=("stage",))
    for one in board.last.stages:
        stages.add_metric((one.stage,), one.ms / 1000)
    yield stages


def _budget(board: Board, settings: Settings, now: datetime) -> Metric:
    """Nothing of a budget of nothing is spent."""
    found = GaugeMetricFamily("performate_probe_budget_spent_ratio", "Of the day's budget", labels=("unit",))
    spent = board.spent if board.spent is not None and board.spent.day == f"{now:%Y-%m-%d}" else None
    for unit, used, limit in (
        ("usd", spent.usd if spent else 0.0, settings.probe_budget_usd),
        ("tokens", spent.tokens if spent else 0, settings.probe_budget_tokens),
    ):
        found.add_metric((unit,), used / limit if limit else 0.0)
    return found


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value=float(value))
