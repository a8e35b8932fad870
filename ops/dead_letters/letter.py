"""One dead letter, as an operator sees it: what it asked for, why it lies there, since when. Nothing here awaits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from core.messages import Envelope, Kind, Undecodable, decode
from core.ports import Delivery
from core.record import rfc3339
from core.trace import continue_trace

MOVED_BY_SQS = "none"
"""The code of a letter without a reason: the queue's redrive policy moved it, the consumer never got that far."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """`queue` is the kind of queue that it came from; `envelope` is None where `undecodable` says why."""

    queue: Kind
    delivery: Delivery
    envelope: Envelope | None
    undecodable: str | None = None

    @property
    def message_id(self) -> str:
        return self.delivery.message_id

    @property
    def reason(self) -> str | None:
        """As the consumer wrote it, fit for a terminal: it may quote what a stranger's message said."""
        text = self.delivery.attributes.get("reason")
        return None if text is None else printable(text)

    @property
    def code(self) -> str:
        """The reason's first word."""
        return MOVED_BY_SQS if self.reason is None else self.reason.partition(":")[0].strip()

    @property
    def analysis_ids(self) -> tuple[str, ...]:
        if self.envelope is None:
            return ()
        if self.envelope.job is not None:
            return (self.envelope.job.analysis_id,)
        return tuple(upload.analysis_id for upload in self.envelope.uploads if upload.analysis_id is not None)

    @property
    def kind(self) -> str:
        if self.envelope is None:
            return "undecodable"
        return self.envelope.job.kind if self.envelope.job is not None else "upload event"

    def age_s(self, now: datetime) -> float:
        """Since it was put there; since it was first sent, for one that SQS moved."""
        return max(0.0, now.timestamp() - (self.delivery.sent_at or now.timestamp()))


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which letters are meant: those that every given field fits. `ids` are message or analysis ids."""

    codes: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    older_s: float | None = None
    newer_s: float | None = None

    def fits(self, letter: Letter, now: datetime) -> bool:
        age = letter.age_s(now)
        return (
            (not self.codes or letter.code.upper() in {code.upper() for code in self.codes})
            and (not self.ids or not self.ids.isdisjoint((letter.message_id, *letter.analysis_ids)))
            and (self.older_s is None or age >= self.older_s)
            and (self.newer_s is None or age < self.newer_s)
        )


def printable(text: str) -> str:
    """Without what moves a terminal's cursor or colours it."""
    return "".join(c if c.isprintable() else "?" for c in text)


def read_letter(queue: Kind, delivery: Delivery) -> Letter:
    try:
        envelope = decode(delivery.body, dict(delivery.attributes))
    except Undecodable as error:
        return Letter(queue=queue, delivery=delivery, envelope=None, undecodable=str(error))
    return Letter(queue=queue, delivery=delivery, envelope=envelope)


def described(letter: Letter, now: datetime) -> Mapping[str, object]:
    """For programs. The body itself is never shown: a stranger's message may hold anything."""
    delivery = letter.delivery
    job = letter.envelope.job if letter.envelope is not None else None
    header = delivery.attributes.get("traceparent")
    return {
        "queue": letter.queue,
        "message_id": letter.message_id,
        "kind": letter.kind,
        "analysis_ids": list(letter.analysis_ids),
        "epoch": None if job is None else job.epoch,
        "code": letter.code,
        "reason": letter.reason,
        "undecodable": letter.undecodable,
        "trace_id": continue_trace(header).trace_id if header else None,
        "synthetic": delivery.attributes.get("synthetic") == "1",
        "sent_at": None if delivery.sent_at is None else rfc3339(datetime.fromtimestamp(delivery.sent_at, UTC)),
        "age_s": round(letter.age_s(now)),
        "receives": delivery.receive_count,
        "bytes": len(delivery.body.encode()),
        "attributes": sorted(delivery.attributes),
    }
