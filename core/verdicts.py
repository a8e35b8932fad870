"""What is known about the pipeline, as the prober stores it and the service reads it. Nothing here awaits.

`Board` is small and is written with compare-and-set: what runs, what counts, what is still to be told and cleared.
`Archive` is for charts, and written by whoever holds the fencing token.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.error_codes import ErrorCode

ProbeStage = Literal["init", "upload", "complete", "queue", "download", "extract", "analyze", "store", "read"]
STAGES: tuple[ProbeStage, ...] = (
    "init",
    "upload",
    "complete",
    "queue",
    "download",
    "extract",
    "analyze",
    "store",
    "read",
)
Result = Literal["pass", "warn", "fail", "cancelled"]
"""cancelled: somebody stopped the prober; it says nothing about the pipeline."""
Trigger = Literal["loop", "once", "request"]
KEPT_RUNS = 60
KEPT_FAILURES = 60
KEPT_HOURS = 30 * 24


class Stored(BaseModel):
    """Frozen; fields that a newer version wrote are left alone, so that a rollback reads what it finds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class StageTime(Stored):
    stage: ProbeStage
    ms: int


class Swept(Stored):
    """What a janitor removed of earlier runs."""

    analyses: int = 0
    objects: int = 0
    messages: int = 0

    @property
    def anything(self) -> bool:
        return bool(self.analyses or self.objects or self.messages)


class Run(Stored):
    """One probe that ended. `failed_stage` and `error_code` with `fail` only, `slow_stage` with a slow `warn`.
    Times are RFC 3339 UTC; `wall_ms` is from the first request to the last check, `stages` add up to it."""

    run_id: str
    trigger: Trigger
    result: Result
    started_at: str
    finished_at: str
    wall_ms: int
    stages: tuple[StageTime, ...] = ()
    failed_stage: ProbeStage | None = None
    slow_stage: ProbeStage | None = None
    error_code: ErrorCode | None = None
    detail: str | None = None
    trace_id: str
    analysis_id: str | None = None
    method: str | None = None
    notes: tuple[str, ...] = ()
    swept: Swept = Swept()
    cpu_ms: int | None = None


class Running(Stored):
    """A run under way: the stage it is in, and those behind it."""

    run_id: str
    trigger: Trigger
    started_at: str
    stage: ProbeStage = "init"
    stages: tuple[StageTime, ...] = ()


class Alarm(Stored):
    """Something that people must be told, and were not yet."""

    alarm_id: str
    kind: Literal["down", "up", "reminder"]
    at: str


class Spent(Stored):
    """What probes cost on one day (UTC, YYYY-MM-DD)."""

    day: str
    usd: float = 0.0
    tokens: int = 0


class Board(Stored):
    """`token`: the fencing token of the last run that began; a run with a smaller one writes nothing.
    `state` flips to down and up by k of n; `recent` are the results since the last flip, the newest last.
    `made`: analyses of probes that are not known to be gone. `quiet_until`: epoch seconds, no alarm before."""

    revision: int = 0
    token: int = 0
    requested: str | None = None
    running: Running | None = None
    state: Literal["unknown", "up", "down"] = "unknown"
    since: str | None = None
    recent: tuple[Result, ...] = ()
    made: tuple[str, ...] = ()
    last: Run | None = None
    last_failure: Run | None = None
    next_at: str | None = None
    alarm: Alarm | None = None
    told_down: bool = False
    reminded_at: str | None = None
    quiet_until: float | None = None
    spent: Spent | None = None


class Hour(Stored):
    """How the runs of one hour ended; `hour` counts from the epoch."""

    hour: int
    passed: int = 0
    warned: int = 0
    failed: int = 0


class Archive(Stored):
    """The newest runs first, then the newest failures, and the hours of a month, oldest first. `began`: epoch seconds
    of the first run ever; `interval_s`: the interval of the run that wrote it. How many runs there should have been is
    counted with both."""

    runs: tuple[Run, ...] = ()
    failures: tuple[Run, ...] = ()
    hours: tuple[Hour, ...] = ()
    began: float | None = None
    interval_s: float = Field(default=300.0, gt=0)


class Uptime(Stored):
    """`share`: of the runs that were, how many did not fail (null without any). `unknown_share`: of the runs that
    should have been since the first one ever, how many were not."""

    share: float | None
    unknown_share: float
    runs: int


def hour_of(moment: datetime) -> int:
    return int(moment.timestamp()) // 3600


def archived(archive: Archive, run: Run, *, interval_s: float) -> Archive:
    """With one more run. A cancelled one is kept among the runs, and counts nowhere."""
    failures = (run, *archive.failures) if run.result == "fail" else archive.failures
    began = datetime.fromisoformat(run.started_at).timestamp() if archive.began is None else archive.began
    return Archive(
        runs=(run, *archive.runs)[:KEPT_RUNS],
        failures=failures[:KEPT_FAILURES],
        hours=_counted(archive.hours, run),
        began=began,
        interval_s=interval_s,
    )


def _counted(hours: tuple[Hour, ...], run: Run) -> tuple[Hour, ...]:
    if run.result == "cancelled":
        return hours
    hour = hour_of(datetime.fromisoformat(run.finished_at))
    by_hour = {one.hour: one for one in hours}
    one = by_hour.get(hour, Hour(hour=hour))
    field = {"pass": "passed", "warn": "warned", "fail": "failed"}[run.result]
    by_hour[hour] = one.model_copy(update={field: getattr(one, field) + 1})
    return tuple(by_hour[key] for key in sorted(by_hour) if key > hour - KEPT_HOURS)


def uptime(archive: Archive, *, now: datetime, hours: int) -> Uptime:
    """Over so many hours, the present one included."""
    first = hour_of(now) - hours + 1
    inside = [one for one in archive.hours if first <= one.hour <= hour_of(now)]
    runs = sum(one.passed + one.warned + one.failed for one in inside)
    failed = sum(one.failed for one in inside)
    since = max(first * 3600.0, now.timestamp() if archive.began is None else archive.began)
    due = int(max(0.0, now.timestamp() - since) // archive.interval_s)
    unknown = max(0, due - runs) / due if due else 0.0
    return Uptime(share=round(1 - failed / runs, 5) if runs else None, unknown_share=round(unknown, 5), runs=runs)
