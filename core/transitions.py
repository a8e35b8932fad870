"""Every write to a record, as a value: what it needs to find and what it leaves. Adapters and fakes carry it out.

Nothing here awaits or reads a clock. A change is atomic: it happens whole, or raises Conflict. docs/guarantees.md draws
which change leads where, and a test holds the drawing to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.failure import Failure
from core.record import Record, Status, rfc3339

Value = str | int | float | bool
_LEASE = frozenset({"lease_owner", "lease_message", "lease_receives", "lease_until"})


@dataclass(frozen=True, kw_only=True)
class Rival:
    """A claim on the lease. No clock decides; it is granted when nobody holds it, or when its holder works on this same
    message and SQS has handed that out again since, to us (`receives`, our receive count, is higher than its holder's),
    or when the record is still at the revision `seen`, at which the claimer has seen it for as long as a lease lasts.
    """

    message: str
    receives: int
    seen: int | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """`sources`: states it may start from. `token`: the lease token that must still be in force. `absent`: fields that
    must be unset. `epoch`: the epoch that must be in force; `revision`: nobody may have written since.
    `adds`: numbers that grow; `removes`: fields that go."""

    name: str
    sources: frozenset[Status]
    sets: Mapping[str, Value]
    removes: frozenset[str] = frozenset()
    adds: Mapping[str, int] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
    token: int | None = None
    epoch: int | None = None
    revision: int | None = None
    rival: Rival | None = None


class Conflict(Exception):
    """The record was not in a state that allows the change; `current` is what was found instead."""

    def __init__(self, change: str, current: Record) -> None:
        super().__init__(f"{change} refused: {current.analysis_id} is {current.status}")
        self.current = current


def uploaded(now: datetime) -> Change:
    """The client, or S3, says that the clip is there."""
    return Change(
        name="uploaded",
        sources=frozenset({Status.PENDING_UPLOAD}),
        sets={
            "status": Status.QUEUED,
            "stage": "queue",
            "queued_at": rfc3339(now),
            "updated_at": rfc3339(now),
        },
    )


def examined(  # noqa: PLR0913  # all that a look finds out
    now: datetime,
    *,
    etag: str,
    size: int,
    epoch: int,
    sha256: str | None = None,
    poster: bool = False,
    upload_etag: str | None = None,
) -> Change:
    """Ingest looked at the upload and keeps it: this very version, noted once in each epoch. `etag` is the kept
    clip's, `upload_etag` the upload's; `sha256` (hex) where the bucket knows it; `poster`: its picture is stored."""
    found = {"object_sha256": sha256, "upload_etag": upload_etag}
    known: dict[str, Value] = {name: value for name, value in found.items() if value is not None}
    return Change(
        name="examined",
        sources=frozenset({Status.QUEUED}),
        sets={"object_etag": etag, "object_bytes": size, "poster": poster, **known, "updated_at": rfc3339(now)},
        absent=frozenset({"object_etag"}),
        epoch=epoch,
    )


def sent(now: datetime, *, epoch: int) -> Change:
    """This epoch's analysis message is on its queue. Another epoch's says nothing about this one: a worker drops it."""
    return Change(
        name="sent",
        sources=frozenset({Status.QUEUED, Status.PROCESSING}),
        sets={"sent_at": rfc3339(now), "updated_at": rfc3339(now)},
        epoch=epoch,
    )


def claimed(  # noqa: PLR0913  # all of them belong to one claim
    now: datetime,
    *,
    owner: str,
    message: str,
    until: float,
    epoch: int,
    receives: int = 1,
    seen: int | None = None,
) -> Change:
    """A worker takes the lease with the next token. `receives` and `seen` as in Rival; `until` (epoch seconds) is only
    where others start to look: they find abandoned leases by it, and take none because of it."""
    return Change(
        name="claimed",
        sources=frozenset({Status.QUEUED, Status.PROCESSING}),
        sets={
            "status": Status.PROCESSING,
            "lease_owner": owner,
            "lease_message": message,
            "lease_receives": receives,
            "lease_until": until,
            "updated_at": rfc3339(now),
        },
        adds={"lease_token": 1, "attempt": 1},
        epoch=epoch,
        rival=Rival(message=message, receives=receives, seen=seen),
    )


def renewed(*, token: int, until: float) -> Change:
    """The heartbeat: the holder is alive and gets on."""
    return Change(name="renewed", sources=frozenset({Status.PROCESSING}), sets={"lease_until": until}, token=token)


def progressed(now: datetime, *, token: int, stage: str, progress: int) -> Change:
    return Change(
        name="progressed",
        sources=frozenset({Status.PROCESSING}),
        sets={"stage": stage, "progress": progress, "updated_at": rfc3339(now)},
        token=token,
    )


def released(now: datetime, *, token: int, counts: bool) -> Change:
    """The holder gives the work back: after a failure that is tried again, or (`counts` false) at a shutdown."""
    return Change(
        name="released",
        sources=frozenset({Status.PROCESSING}),
        sets={"status": Status.QUEUED, "stage": "queue", "progress": 0, "updated_at": rfc3339(now)},
        removes=_LEASE,
        adds={} if counts else {"attempt": -1},
        token=token,
    )


def completed(now: datetime, *, token: int) -> Change:
    return Change(
        name="completed",
        sources=frozenset({Status.PROCESSING}),
        sets={
            "status": Status.COMPLETED,
            "stage": "done",
            "progress": 100,
            "finished_at": rfc3339(now),
            "updated_at": rfc3339(now),
        },
        removes=_LEASE,
        token=token,
    )


def failed(
    now: datetime,
    failure: Failure,
    *,
    token: int | None = None,
    epoch: int | None = None,
    absent: frozenset[str] = frozenset(),
) -> Change:
    """The end without a result. Without a token only where nobody works on it (ingest refuses an upload), and where
    nobody has set one of `absent` meanwhile."""
    return Change(
        name="failed",
        sources=frozenset({Status.PENDING_UPLOAD, Status.QUEUED} if token is None else {Status.PROCESSING}),
        sets={
            "status": Status.FAILED,
            "error_code": failure.code,
            "error_detail": failure.detail,
            "finished_at": rfc3339(now),
            "updated_at": rfc3339(now),
        },
        removes=_LEASE,
        absent=absent,
        token=token,
        epoch=epoch,
    )


def reclaimed(now: datetime, *, revision: int) -> Change:
    """The holder has written nothing since `revision` and is given up: its work may be taken again. Its try counts."""
    return Change(
        name="reclaimed",
        sources=frozenset({Status.PROCESSING}),
        sets={"status": Status.QUEUED, "stage": "queue", "progress": 0, "updated_at": rfc3339(now)},
        removes=_LEASE,
        adds={"lease_token": 1},
        revision=revision,
    )


def closed(now: datetime, failure: Failure, *, epoch: int, revision: int | None = None) -> Change:
    """The end, said by one who holds no lease: of an analysis whose holder has written nothing since `revision`, or
    (None) of one whose time is up, whoever holds it. The holder's next write is refused."""
    return Change(
        name="closed",
        sources=frozenset({Status.QUEUED, Status.PROCESSING}),
        sets={
            "status": Status.FAILED,
            "error_code": failure.code,
            "error_detail": failure.detail,
            "finished_at": rfc3339(now),
            "updated_at": rfc3339(now),
        },
        removes=_LEASE,
        adds={"lease_token": 1},
        epoch=epoch,
        revision=revision,
    )


def resent(now: datetime, *, epoch: int) -> Change:
    """A message for it is on its way once more; it counts as waiting from now on."""
    return Change(
        name="resent",
        sources=frozenset({Status.PENDING_UPLOAD, Status.QUEUED}),
        sets={"updated_at": rfc3339(now)},
        epoch=epoch,
    )


def expired(now: datetime) -> Change:
    return Change(
        name="expired",
        sources=frozenset({Status.PENDING_UPLOAD}),
        sets={"status": Status.EXPIRED, "finished_at": rfc3339(now), "updated_at": rfc3339(now)},
    )


def reopened(now: datetime) -> Change:
    """An operator's retry: a new epoch, everything that the last one left behind is gone."""
    return Change(
        name="reopened",
        sources=frozenset({Status.FAILED}),
        sets={
            "status": Status.QUEUED,
            "stage": "queue",
            "progress": 0,
            "attempt": 0,
            "queued_at": rfc3339(now),
            "updated_at": rfc3339(now),
        },
        removes=_LEASE | {"error_code", "error_detail", "finished_at", "object_etag", "object_bytes", "sent_at"},
        adds={"epoch": 1},
    )
