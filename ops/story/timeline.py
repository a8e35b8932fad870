"""What happened when: the record's times, the worker's stages, and lines of logs. Nothing here awaits."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.record import Status, rfc3339
from ops.dead_letters.letter import printable
from ops.story.evidence import Evidence

STAGES = ("download", "extract", "analyze", "store")
_ALWAYS = frozenset(
    {"timestamp", "event", "level", "schema_version", "service", "instance", "version", "trace_id", "analysis_id"}
)
LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Moment:
    """`at` RFC 3339 UTC; `source`: record, result, dlq, or the service that logged it."""

    at: str
    source: str
    what: str


def of_evidence(seen: Evidence) -> Iterator[Moment]:
    record = seen.record
    for at, what in (
        (record.created_at, "an upload address was asked for"),
        (record.queued_at, f"queued{f' again, epoch {record.epoch}' if record.epoch else ''}"),
        (record.sent_at, "its analysis message was sent"),
    ):
        if at is not None:
            yield Moment(at=at, source="record", what=what)
    if record.status is Status.PROCESSING:
        what = f"last sign: stage {record.stage}, {record.progress} %, try {record.attempt}"
        yield Moment(at=record.updated_at, source="record", what=what)
    if record.finished_at is not None:
        what = f"{record.status}{f': {record.error_code}' if record.error_code else ''}, after {record.attempt} tries"
        yield Moment(at=record.finished_at, source="record", what=what)
    yield from _of_result(seen)
    for letter in seen.letters:
        if letter.delivery.sent_at is not None:
            at = rfc3339(datetime.fromtimestamp(letter.delivery.sent_at, tz=seen.now.tzinfo))
            yield Moment(at=at, source="dlq", what=f"a dead letter of {letter.queue}: {letter.reason or letter.code}")


def _of_result(seen: Evidence) -> Iterator[Moment]:
    """Backwards from the end: the stages are known by how long they took. The result is written within `store`, so
    that its own time is the end of all before."""
    if seen.result is None:
        return
    timing = seen.result.timing
    end = datetime.fromisoformat(seen.result.completed_at)
    for stage in reversed(STAGES[:-1]):
        ms = int(getattr(timing, f"{stage}_ms"))
        yield Moment(at=rfc3339(end), source="result", what=f"{stage} ended, {ms} ms")
        end -= timedelta(milliseconds=ms)


def of_log(lines: Iterable[str], analysis_id: str) -> Iterator[Moment]:
    """Lines about this analysis; what is no JSON object is passed over."""
    for line in lines:
        if analysis_id not in line:
            continue
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and found.get("analysis_id") == analysis_id and "timestamp" in found:
            yield Moment(at=str(found["timestamp"]), source=str(found.get("service", "log")), what=_told(found))


def _told(line: dict[str, Any]) -> str:
    """The event and its own fields, fit for a terminal."""
    fields = [f"{name}={_short(value)}" for name, value in line.items() if name not in _ALWAYS and value is not None]
    marked = "" if line.get("level") == "info" else f"{line.get('level')} "
    return printable(" ".join([f"{marked}{line.get('event')}", *fields]))[:LONGEST]


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def in_order(moments: Iterable[Moment]) -> list[Moment]:
    """A log has microseconds, a record milliseconds: compared as times, not as texts."""
    return sorted(moments, key=lambda one: datetime.fromisoformat(one.at))
