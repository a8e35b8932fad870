"""Runs and boards as a prober leaves them."""

from datetime import datetime, timedelta
from typing import Any

from core.error_codes import ErrorCode
from core.record import rfc3339
from core.verdicts import Board, Run, StageTime
from tests.fakes import MOMENT

TIMES = (("init", 20), ("upload", 10), ("complete", 30), ("queue", 200), ("analyze", 1700), ("read", 150))


def a_run(result: str = "pass", *, at: datetime = MOMENT, **changes: Any) -> Run:
    """One that ended at `at`; a failure is of the queue."""
    failed: dict[str, Any] = {}
    if result == "fail":
        failed = {"failed_stage": "queue", "error_code": ErrorCode.STAGE_TIMEOUT, "detail": "not over after 90 s"}
    made = {
        "run_id": f"run-{at:%H%M%S}",
        "trigger": "loop",
        "result": result,
        "started_at": rfc3339(at - timedelta(seconds=3)),
        "finished_at": rfc3339(at),
        "wall_ms": sum(ms for _, ms in TIMES),
        "stages": [StageTime.model_validate({"stage": stage, "ms": ms}) for stage, ms in TIMES],
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "analysis_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "method": "pose",
    }
    return Run.model_validate(made | failed | changes)


def a_board(last: Run | None = None, **changes: Any) -> Board:
    """Of a pipeline that is up, after this run."""
    last = last or a_run()
    made = {"token": 1, "state": "up", "last": last, "recent": (last.result,)}
    if last.result == "fail":
        made["last_failure"] = last
    return Board.model_validate({**made, **changes})
