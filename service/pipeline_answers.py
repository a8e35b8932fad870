"""The bodies about the pipeline: the draft health+json (draft-inadarei-api-health-check) and more. Nothing here awaits.

Names that the draft gives are spelt as it spells them, all others as the rest of the API.
"""

from datetime import datetime
from typing import Literal

from core.error_codes import ErrorCode
from core.errors import catalogue
from core.probing import Cadence
from core.verdicts import Archive, Board, Hour, ProbeStage, Result, Run, StageTime, Swept, Trigger, Uptime, uptime
from service.answers import Answer
from service.standing import Sighting, Standing, Status

WINDOWS = {"24h": 24, "7d": 7 * 24, "30d": 30 * 24}


class Check(Answer):
    """One stage of the last probe."""

    componentType: Literal["component"] = "component"  # noqa: N815 - the draft's spelling
    observedValue: int  # noqa: N815
    observedUnit: Literal["ms"] = "ms"  # noqa: N815
    status: Status
    time: str


class FailedProbe(Answer):
    """`detail` is for operators; null for everybody else."""

    run_id: str
    at: str
    failed_stage: ProbeStage | None
    error_code: ErrorCode | None
    title: str | None
    trace_id: str
    runbook: str | None
    detail: str | None = None


class RunningProbe(Answer):
    run_id: str
    trigger: Trigger
    started_at: str
    stage: ProbeStage
    stages: tuple[StageTime, ...]


class PipelineHealth(Answer):
    """`status` pass, warn or fail: 200, 200 (503 with ?fail_on=warn), 503. `error_code` PROBE_STALE or
    STORE_UNAVAILABLE: nobody knows. `failed_stage`, or `slow_stage`, is the one stage to blame."""

    status: Status
    version: str
    serviceId: Literal["performate-pipeline"] = "performate-pipeline"  # noqa: N815 - the draft's spelling
    description: str = "A synthetic clip through the whole pipeline"
    notes: tuple[str, ...]
    output: str | None
    checks: dict[str, tuple[Check, ...]]
    error_code: ErrorCode | None
    failed_stage: ProbeStage | None
    slow_stage: ProbeStage | None
    since: str | None
    run_id: str | None
    method: str | None
    wall_ms: int | None
    checked_at: str | None
    age_s: int | None
    next_run_at: str | None
    stale_after_s: float
    running: RunningProbe | None
    uptime: dict[str, Uptime]
    last_failure: FailedProbe | None


class PastProbe(Answer):
    run_id: str
    trigger: Trigger
    result: Result
    started_at: str
    finished_at: str
    wall_ms: int
    stages: tuple[StageTime, ...]
    failed_stage: ProbeStage | None
    slow_stage: ProbeStage | None
    error_code: ErrorCode | None
    trace_id: str
    method: str | None
    notes: tuple[str, ...]
    swept: Swept
    cpu_ms: int | None


class PipelineHistory(Answer):
    """The newest first; `hours` (epoch hours) oldest first, only those in which a probe ended."""

    runs: tuple[PastProbe, ...]
    failures: tuple[PastProbe, ...]
    hours: tuple[Hour, ...]
    uptime: dict[str, Uptime]


class WantedRun(Answer):
    """`joined`: it was under way, or asked for, before."""

    run_id: str
    status: Literal["running", "requested"]
    joined: bool


def health_body(
    seen: Sighting, stands: Standing, *, now: datetime, cadence: Cadence, version: str, operator: bool
) -> PipelineHealth:
    board = seen.board or Board()
    last = board.last
    return PipelineHealth(
        status=stands.status,
        version=version,
        notes=stands.notes,
        output=_title(stands.code),
        checks=_checks(last) if last is not None else {},
        error_code=stands.code,
        failed_stage=stands.stage if stands.code is not None and stands.known else None,
        slow_stage=stands.stage if stands.code is None else None,
        since=board.since,
        run_id=last.run_id if last else None,
        method=last.method if last else None,
        wall_ms=last.wall_ms if last else None,
        checked_at=last.finished_at if last else None,
        age_s=None if stands.age_s is None else int(stands.age_s),
        next_run_at=board.next_at,
        stale_after_s=cadence.stale_after_s,
        running=RunningProbe(**board.running.model_dump()) if board.running else None,
        uptime=uptimes(seen.archive, now),
        last_failure=_failure(board.last_failure, operator=operator),
    )


def history_body(archive: Archive, *, now: datetime) -> PipelineHistory:
    return PipelineHistory(
        runs=tuple(_past(run) for run in archive.runs),
        failures=tuple(_past(run) for run in archive.failures),
        hours=archive.hours,
        uptime=uptimes(archive, now),
    )


def uptimes(archive: Archive, now: datetime) -> dict[str, Uptime]:
    return {name: uptime(archive, now=now, hours=hours) for name, hours in WINDOWS.items()}


def retry_after_s(seen: Sighting, *, now: datetime, cadence: Cadence) -> int:
    """When a new answer may be there: after the next run, or soon where nobody knows of one."""
    at = seen.board.next_at if seen.board is not None else None
    left = (datetime.fromisoformat(at) - now).total_seconds() if at is not None else 0.0
    return max(5, min(round(cadence.interval_s), round(left)))


def _checks(last: Run) -> dict[str, tuple[Check, ...]]:
    def status(stage: ProbeStage) -> Status:
        return "fail" if stage == last.failed_stage else "warn" if stage == last.slow_stage else "pass"

    return {
        f"{one.stage}:duration": (Check(observedValue=one.ms, status=status(one.stage), time=last.finished_at),)
        for one in last.stages
    }


def _failure(run: Run | None, *, operator: bool) -> FailedProbe | None:
    if run is None:
        return None
    return FailedProbe(
        run_id=run.run_id,
        at=run.finished_at,
        failed_stage=run.failed_stage,
        error_code=run.error_code,
        title=_title(run.error_code),
        trace_id=run.trace_id,
        runbook=catalogue()[run.error_code].runbook or None if run.error_code else None,
        detail=run.detail if operator else None,
    )


def _past(run: Run) -> PastProbe:
    """Without what only operators may see: the analysis and the details of a failure."""
    return PastProbe.model_validate(run.model_dump())


def _title(code: ErrorCode | None) -> str | None:
    return None if code is None else catalogue()[code].title.en


def started_recently(board: Board, *, now: datetime, limit_s: float) -> bool:
    """Whether the run under way may still live; one that is older was killed."""
    if board.running is None:
        return False
    began = datetime.fromisoformat(board.running.started_at)
    return abs((now - began).total_seconds()) < limit_s
