"""The state machine, as a table: which change leads from which state to which; everything else is refused."""

import inspect
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

import pytest

from core import transitions
from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Record, Status, rfc3339
from core.transitions import (
    Change,
    Conflict,
    claimed,
    closed,
    completed,
    examined,
    expired,
    failed,
    progressed,
    reclaimed,
    released,
    renewed,
    reopened,
    resent,
    sent,
    uploaded,
)
from tests.fakes import AN_ID, MOMENT, FakeRecords, a_record

PENDING, QUEUED, PROCESSING = Status.PENDING_UPLOAD, Status.QUEUED, Status.PROCESSING
COMPLETED, FAILED, EXPIRED = Status.COMPLETED, Status.FAILED, Status.EXPIRED
TOKEN, NOW = 3, MOMENT.timestamp()
LATER = MOMENT + timedelta(seconds=100)
REFUSED = Failure(ErrorCode.CONTENT_MISMATCH, "not a video")


@dataclass(frozen=True, kw_only=True)
class Row:
    change: Change
    leads: dict[Status, Status]


TABLE = {
    "uploaded": Row(change=uploaded(MOMENT), leads={PENDING: QUEUED}),
    "examined": Row(change=examined(MOMENT, etag="e", size=9, epoch=0), leads={QUEUED: QUEUED}),
    "sent": Row(change=sent(MOMENT, epoch=0), leads={QUEUED: QUEUED, PROCESSING: PROCESSING}),
    "claimed": Row(
        change=claimed(LATER, owner="w2", message="m2", until=NOW + 160, epoch=0, seen=1),
        leads={QUEUED: PROCESSING, PROCESSING: PROCESSING},
    ),
    "renewed": Row(change=renewed(token=TOKEN, until=NOW + 200), leads={PROCESSING: PROCESSING}),
    "progressed": Row(
        change=progressed(MOMENT, token=TOKEN, stage="extract", progress=40), leads={PROCESSING: PROCESSING}
    ),
    "released": Row(change=released(MOMENT, token=TOKEN, counts=True), leads={PROCESSING: QUEUED}),
    "completed": Row(change=completed(MOMENT, token=TOKEN), leads={PROCESSING: COMPLETED}),
    "failed by its holder": Row(change=failed(MOMENT, REFUSED, token=TOKEN), leads={PROCESSING: FAILED}),
    "failed by ingest": Row(change=failed(MOMENT, REFUSED), leads={PENDING: FAILED, QUEUED: FAILED}),
    "reclaimed": Row(change=reclaimed(MOMENT, revision=1), leads={PROCESSING: QUEUED}),
    "closed": Row(change=closed(MOMENT, REFUSED, epoch=0), leads={QUEUED: FAILED, PROCESSING: FAILED}),
    "resent": Row(change=resent(MOMENT, epoch=0), leads={PENDING: PENDING, QUEUED: QUEUED}),
    "expired": Row(change=expired(MOMENT), leads={PENDING: EXPIRED}),
    "reopened": Row(change=reopened(MOMENT), leads={FAILED: QUEUED}),
}


def _in(status: Status, **fields: Any) -> Record:
    """A record as it looks in that state; in `processing` a lease that runs out 60 s after MOMENT."""
    of_status: dict[Status, dict[str, Any]] = {
        PENDING: {},
        QUEUED: {"queued_at": rfc3339(MOMENT)},
        PROCESSING: {"attempt": 1, "lease_owner": "w1", "lease_message": "m1", "lease_until": NOW + 60},
        COMPLETED: {"attempt": 1, "stage": "done", "progress": 100, "finished_at": rfc3339(MOMENT)},
        FAILED: {"attempt": 3, "error_code": ErrorCode.INTERNAL, "object_etag": "e", "finished_at": rfc3339(MOMENT)},
        EXPIRED: {"finished_at": rfc3339(MOMENT)},
    }
    found = {"lease_token": TOKEN} | of_status[status] | fields
    return a_record(status=status, **found)


async def _after(record: Record, change: Change) -> Record:
    records = FakeRecords()
    await records.create(record)
    return await records.apply(record.analysis_id, change)


async def _assert_refused(record: Record, change: Change) -> None:
    with pytest.raises(Conflict, match=f"{change.name} refused: {AN_ID} is {record.status}") as caught:
        await _after(record, change)
    assert caught.value.current == record


@pytest.mark.parametrize(("name", "status"), list(product(TABLE, Status)))
async def test_every_change_from_every_state(name: str, status: Status) -> None:
    row, record = TABLE[name], _in(status)
    if status not in row.leads:
        await _assert_refused(record, row.change)
        return
    after = await _after(record, row.change)
    assert after.status is row.leads[status]
    assert after.revision == record.revision + 1
    if not after.status.is_final and after.status is not PROCESSING:
        assert after.lease_owner is None


def test_the_table_knows_every_change_and_every_state() -> None:
    made = {
        name
        for name, made in inspect.getmembers(transitions, inspect.isfunction)
        if made.__module__ == "core.transitions"
    }
    assert {row.change.name for row in TABLE.values()} == made
    assert {end for row in TABLE.values() for end in row.leads.values()} == set(Status)


@pytest.mark.parametrize("status", [status for status in Status if status.is_final])
def test_an_end_is_left_by_an_operator_only(status: Status) -> None:
    leaving = {name for name, row in TABLE.items() if status in row.leads}
    assert leaving == ({"reopened"} if status is FAILED else set())


HOLDERS = ["renewed", "progressed", "released", "completed", "failed by its holder"]


@pytest.mark.parametrize("name", HOLDERS)
@pytest.mark.parametrize("token", [TOKEN - 1, TOKEN + 1])
async def test_a_holder_writes_with_the_token_in_force_only(name: str, token: int) -> None:
    await _assert_refused(_in(PROCESSING, lease_token=token), TABLE[name].change)


@pytest.mark.parametrize("name", ["examined", "sent", "claimed"])
async def test_a_message_of_another_epoch_changes_nothing(name: str) -> None:
    await _assert_refused(_in(QUEUED, epoch=1), TABLE[name].change)


async def test_a_refusal_may_be_bound_to_its_epoch() -> None:
    await _assert_refused(_in(QUEUED, epoch=1), failed(MOMENT, REFUSED, epoch=0))
    assert (await _after(_in(QUEUED, epoch=1), failed(MOMENT, REFUSED, epoch=1))).status is FAILED


def _claim(message: str, *, receives: int = 1, seen: int | None = None) -> Change:
    return claimed(LATER, owner="w2", message=message, receives=receives, until=NOW + 500, epoch=0, seen=seen)


@pytest.mark.parametrize(
    "claim",
    [
        _claim("m2"),
        _claim("m2", receives=9),
        _claim("m1", receives=2),
        _claim("m2", seen=6),
        _claim("m2", seen=8),
    ],
    ids=["another message", "one that came often", "a copy of its own", "it moved since", "it moved back"],
)
async def test_a_held_lease_stays_whatever_the_clocks_say(claim: Change) -> None:
    await _assert_refused(_in(PROCESSING, lease_receives=2, revision=7, lease_until=1.0), claim)


@pytest.mark.parametrize("claim", [_claim("m1", receives=3), _claim("m2", seen=7)], ids=["handed out again", "unmoved"])
async def test_a_lease_goes_over_with_its_message_or_when_it_was_seen_not_to_move(claim: Change) -> None:
    after = await _after(_in(PROCESSING, lease_receives=2, revision=7, lease_until=9e9), claim)
    assert (after.lease_owner, after.lease_token, after.attempt) == ("w2", TOKEN + 1, 2)


async def test_a_renewal_moves_the_lease_and_nothing_that_people_see() -> None:
    before = _in(PROCESSING)
    after = await _after(before, renewed(token=TOKEN, until=NOW + 200))
    assert after == before.model_copy(update={"lease_until": NOW + 200, "revision": before.revision + 1})


@pytest.mark.parametrize(("counts", "attempt"), [(True, 1), (False, 0)])
async def test_work_that_is_given_back_counts_or_not(counts: bool, attempt: int) -> None:
    after = await _after(_in(PROCESSING, progress=70), released(MOMENT, token=TOKEN, counts=counts))
    assert (after.attempt, after.progress, after.stage, after.lease_token) == (attempt, 0, "queue", TOKEN)
    assert (after.lease_owner, after.lease_message, after.lease_until) == (None, None, None)


async def test_a_failure_keeps_its_code_and_detail() -> None:
    after = await _after(_in(PROCESSING), failed(LATER, REFUSED, token=TOKEN))
    assert (after.error_code, after.error_detail) == (ErrorCode.CONTENT_MISMATCH, "not a video")
    assert (after.finished_at, after.lease_until) == (rfc3339(LATER), None)


async def test_an_object_is_examined_once_in_each_epoch() -> None:
    await _assert_refused(_in(QUEUED, object_etag="first"), examined(MOMENT, etag="second", size=9, epoch=0))
    again = await _after(_in(FAILED), reopened(MOMENT))
    after = await _after(again, examined(MOMENT, etag="second", size=9, epoch=1))
    assert (after.object_etag, after.object_bytes) == ("second", 9)


async def test_a_retry_starts_from_nothing() -> None:
    before = _in(FAILED, error_detail="why", object_bytes=5, sent_at=rfc3339(MOMENT), stage="analyze", progress=80)
    after = await _after(before, reopened(LATER))
    assert (after.epoch, after.attempt, after.progress, after.stage) == (1, 0, 0, "queue")
    assert (after.queued_at, after.updated_at) == (rfc3339(LATER), rfc3339(LATER))
    assert (after.error_code, after.error_detail, after.finished_at) == (None, None, None)
    assert (after.object_etag, after.object_bytes, after.sent_at) == (None, None, None)
    assert after.lease_token == TOKEN, "a worker of the old epoch must not find its token in force again"
