"""What is to be done about an analysis that does not get on. Pure: records and counts in, acts out, nothing awaited.

Ages are the one place where two machines' clocks meet. They are hours, and AWS refuses every request of a machine whose
clock is off by more than minutes; whether a holder is dead is never read from them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import Kind
from core.record import Record, Status


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Seconds. `max_age_s`: how old an accepted analysis gets at most. `resend_after_s`: how long nothing must have
    happened to it before its message may count as lost. `overdue_s`: when an upload that was begun is given up."""

    max_attempts: int
    max_age_s: float
    resend_after_s: float
    overdue_s: float


@dataclass(frozen=True, kw_only=True)
class Close:
    """It ends as failed. `revision`: unless somebody has written to it since; None: whoever holds it."""

    record: Record
    failure: Failure
    revision: int | None


@dataclass(frozen=True, kw_only=True)
class TakeBack:
    """Its holder is dead, and there are tries left."""

    record: Record


@dataclass(frozen=True, kw_only=True)
class Resend:
    record: Record
    kind: Kind


Act = Close | TakeBack | Resend


def about_held(record: Record, *, now: datetime, abandoned: bool, rules: Rules) -> Act | None:
    """For one in `processing`. `abandoned`: its lease was seen unmoved for as long as it lasts."""
    if is_old(record, now, rules):
        return _too_old(record, rules)
    if not abandoned:
        return None
    if record.attempt < rules.max_attempts:
        return TakeBack(record=record)
    spent = f"the worker died during try {record.attempt} of {rules.max_attempts}"
    return Close(record=record, failure=Failure(ErrorCode.RETRIES_EXHAUSTED, spent), revision=record.revision)


def about_queued(
    records: Sequence[Record], *, now: datetime, ingest_depth: int, analysis_depth: int, rules: Rules
) -> Sequence[Act]:
    """For those in `queued`, longest quiet first. `..._depth`: the messages that wait on each queue: so many of the
    records are not lost but wait for their turn, and more copies would only lengthen the queue."""
    old = [record for record in records if is_old(record, now, rules)]
    young = [record for record in records if not is_old(record, now, rules)]
    unsent = [record for record in young if record.sent_at is None]
    sent = [record for record in young if record.sent_at is not None]
    return [
        *(_too_old(record, rules) for record in old),
        *(Resend(record=record, kind="ingest") for record in _lost(unsent, ingest_depth, now, rules)),
        *(Resend(record=record, kind="analysis") for record in _lost(sent, analysis_depth, now, rules)),
    ]


def is_old(record: Record, now: datetime, rules: Rules) -> bool:
    return record.queued_at is not None and _seconds_since(record.queued_at, now) > rules.max_age_s


def is_overdue(record: Record, now: datetime, rules: Rules) -> bool:
    """Whether its upload should have come long ago."""
    return record.status is Status.PENDING_UPLOAD and _seconds_since(record.created_at, now) > rules.overdue_s


def is_quiet(record: Record, now: datetime, rules: Rules) -> bool:
    return _seconds_since(record.updated_at, now) > rules.resend_after_s


def _lost(records: Sequence[Record], depth: int, now: datetime, rules: Rules) -> Sequence[Record]:
    """Of more records than messages the longest quiet ones are without: a queue hands out roughly in order."""
    surplus = max(0, len(records) - depth)
    return [record for record in records[:surplus] if is_quiet(record, now, rules)]


def _too_old(record: Record, rules: Rules) -> Close:
    late = f"not done within {rules.max_age_s:.0f} s"
    return Close(record=record, failure=Failure(ErrorCode.RETRIES_EXHAUSTED, late), revision=None)


def _seconds_since(time: str, now: datetime) -> float:
    return (now - datetime.fromisoformat(time)).total_seconds()
