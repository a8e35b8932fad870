"""How the pipeline stands, from the stored verdicts alone: pass, warn or fail, and why. Nothing here awaits."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from core.error_codes import ErrorCode
from core.probing import Cadence
from core.verdicts import Archive, Board, ProbeStage, Run

Status = Literal["pass", "warn", "fail"]
SKEW_S = 30.0
"""So far two machines' clocks may differ before a verdict counts as one from the future."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What was read last. `readable` false: the store did not answer. `held_s`: for how long, by our own monotonic
    clock, the last run has been the last; `up_s`: for how long this process has been up."""

    board: Board | None = None
    archive: Archive = field(default_factory=Archive)
    readable: bool = True
    held_s: float = 0.0
    up_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`known` false: nobody knows, and that is not healthy."""

    status: Status
    code: ErrorCode | None = None
    stage: ProbeStage | None = None
    age_s: float | None = None
    notes: tuple[str, ...] = ()
    known: bool = True


def judge(seen: Sighting, *, now: datetime, cadence: Cadence) -> Standing:
    """Unknown is never healthy: too old, never any, from the future, or not to be read."""
    if not seen.readable:
        return _unknown(ErrorCode.STORE_UNAVAILABLE, "the stored verdicts cannot be read")
    last = seen.board.last if seen.board is not None else None
    if seen.board is None or last is None:
        return _never(seen, cadence)
    since = (now - datetime.fromisoformat(last.finished_at)).total_seconds()
    if since < -SKEW_S:
        return _unknown(ErrorCode.PROBE_STALE, "the last verdict is from the future: a clock is wrong")
    # the wall clock may stand still, or have been set back: what we saw ourselves counts as well
    age = max(since, seen.held_s, 0.0)
    if age > cadence.stale_after_s:
        note = f"no probe has ended for {age:.0f} s, and every {cadence.interval_s:.0f} s one should"
        return _unknown(ErrorCode.PROBE_STALE, note, age_s=age)
    return _known(seen.board, last, age)


def _never(seen: Sighting, cadence: Cadence) -> Standing:
    if seen.up_s > cadence.stale_after_s:
        return _unknown(ErrorCode.PROBE_STALE, "no probe has ever ended")
    return Standing(status="warn", code=ErrorCode.PROBE_STALE, notes=("no probe has ended yet",), known=False)


def _unknown(code: ErrorCode, note: str, *, age_s: float | None = None) -> Standing:
    return Standing(status="fail", code=code, notes=(note,), age_s=age_s, known=False)


def _known(board: Board, last: Run, age: float) -> Standing:
    failure = board.last_failure
    if board.state != "up":
        code, stage = (failure.error_code, failure.failed_stage) if failure is not None else (None, None)
        return Standing(status="fail", code=code, stage=stage, age_s=age, notes=last.notes)
    failed = board.recent.count("fail")
    if failed and failure is not None:
        note = f"{failed} of the last {len(board.recent)} probes failed"
        return Standing(
            status="warn", code=failure.error_code, stage=failure.failed_stage, age_s=age, notes=(note, *last.notes)
        )
    if last.result == "warn":
        note = f"slow: {last.wall_ms} ms, most of it in {last.slow_stage}"
        notes = (note, *last.notes) if last.slow_stage else last.notes
        return Standing(status="warn", stage=last.slow_stage, age_s=age, notes=notes)
    return Standing(status="pass", age_s=age, notes=last.notes)
