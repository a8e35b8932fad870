"""The pipeline's verdict as plain text, for those who read without JavaScript. Nothing here awaits."""

from collections.abc import Iterator

from service.dependencies import Backlog
from service.pipeline_answers import PipelineHealth


def pipeline_text(body: PipelineHealth, backlog: Backlog) -> str:
    return "\n".join([*_lines(body), *_waiting(backlog)]) + "\n"


def _lines(body: PipelineHealth) -> Iterator[str]:
    yield f"status: {body.status}" + (f" ({body.error_code})" if body.error_code else "")
    yield from (f"note: {note}" for note in body.notes)
    yield f"checked: {_or_never(body.checked_at)}" + ("" if body.age_s is None else f", {body.age_s} s ago")
    yield f"next: {_or_never(body.next_run_at)}"
    for name, (check, *_) in body.checks.items():
        yield f"{name.partition(':')[0]}: {check.observedValue} ms, {check.status}"
    for window, uptime in body.uptime.items():
        share = "unknown" if uptime.share is None else f"{uptime.share:.2%}"
        yield f"{window}: {share} of {uptime.runs} probes, {uptime.unknown_share:.0%} of the time unknown"
    if body.last_failure is not None:
        failed = body.last_failure
        yield f"last failure: {failed.at}, {failed.failed_stage}, {failed.error_code}, trace {failed.trace_id}"


def _waiting(backlog: Backlog) -> Iterator[str]:
    for name, count in (("ingest", backlog.ingest), ("analysis", backlog.analysis)):
        yield f"waiting in {name}: {'unknown' if count is None else count}"
    yield f"oldest waits: {'unknown' if backlog.oldest_s is None else f'{backlog.oldest_s:.0f} s'}"


def _or_never(moment: str | None) -> str:
    return "never" if moment is None else moment
