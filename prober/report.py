"""What a run comes to: its record, and its line in the log. Nothing here awaits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from core.error_codes import ErrorCode
from core.errors import catalogue
from core.record import rfc3339
from core.result import ModelBlock, Notice
from core.verdicts import Board, Result, Run, Spent, Trigger
from prober.blame import Blamed
from prober.stopwatch import Stopwatch

_SILENT = frozenset(code for code in ErrorCode if code.startswith("MODEL_"))

_log = structlog.stdlib.get_logger(__name__)


@dataclass(kw_only=True)
class Facts:
    """What is known of a run so far. A note that begins with a code of the catalogue makes a good run a `warn`."""

    run_id: str
    analysis_id: str | None = None
    method: str | None = None
    notes: list[str] = field(default_factory=list)
    failed: Blamed | None = None
    cancelled: bool = False
    usd: float = 0.0
    tokens: int = 0

    def result(self, *, slow: bool) -> Result:
        if self.cancelled:
            return "cancelled"
        if self.failed is not None:
            return "fail"
        noted = any(note.partition(":")[0] in ErrorCode.__members__ for note in self.notes)
        return "warn" if slow or noted else "pass"


def notes_on_model(
    model: ModelBlock | None, *, paid: bool, before: Spent | None, warnings: Sequence[Notice] = ()
) -> list[str]:
    """What to say about the paid stage. `warnings` of the result say where a model was asked and said nothing.
    `paid` false: the budget is spent, and the run asked to go without it; that is worth a word only where there is a
    paid stage at all."""
    if not paid and (model is not None or (before is not None and (before.usd or before.tokens))):
        return [f"{ErrorCode.PROBE_BUDGET_EXHAUSTED}: the paid stage is not probed any more today"]
    silent = [warning.code for warning in warnings if warning.code in _SILENT]
    if silent:
        return [f"{code}: the vision model said nothing" for code in silent]
    return ["no model is configured: the paid stage was not probed"] if model is None else []


def run_of(
    facts: Facts, *, trigger: Trigger, started: datetime, finished: datetime, watch: Stopwatch, slow_after_s: float
) -> Run:
    """Without the trace, which is set after it."""
    slow = watch.wall_s > slow_after_s
    result = facts.result(slow=slow)
    failed = facts.failed if result == "fail" else None
    return Run(
        run_id=facts.run_id,
        trigger=trigger,
        result=result,
        started_at=rfc3339(started),
        finished_at=rfc3339(finished),
        wall_ms=round(watch.wall_s * 1000),
        stages=watch.times,
        failed_stage=failed.stage if failed else None,
        slow_stage=watch.longest if slow and result == "warn" else None,
        error_code=failed.code if failed else None,
        detail=failed.detail if failed else None,
        trace_id="",
        analysis_id=facts.analysis_id,
        method=facts.method,
        notes=tuple(facts.notes),
    )


def say(run: Run, board: Board) -> None:
    """The one canonical line of each run."""
    line = {
        "result": run.result,
        "state": board.state,
        "wall_ms": run.wall_ms,
        "stage_ms": {one.stage: one.ms for one in run.stages},
        "method": run.method,
        "analysis_id": run.analysis_id,
        "notes": list(run.notes),
        "swept": run.swept.model_dump(),
        "cpu_ms": run.cpu_ms,
    }
    if run.error_code is None:
        _log.info("probe.completed", **line, slow_stage=run.slow_stage)
        return
    why = {"failed_stage": run.failed_stage, "error_code": run.error_code, "detail": run.detail}
    _log.warning("probe.failed", **line, **why, runbook_url=catalogue()[run.error_code].runbook)
