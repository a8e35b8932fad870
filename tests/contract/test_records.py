"""core.ports.Records, sentence by sentence; the fake and DynamoDB must read a Change alike."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Records
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
from tests.contract.backends import new_id
from tests.fakes import MOMENT, FakeRecords, a_record

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = MOMENT.timestamp()


def _claim(
    message: str = "m1", *, receives: int = 1, seen: int | None = None, until: float = 60, epoch: int = 0
) -> Change:
    return claimed(MOMENT, owner="w1", message=message, receives=receives, until=NOW + until, epoch=epoch, seen=seen)


async def _created(records: Records, **fields: object) -> str:
    record = a_record(new_id(), **fields)
    await records.create(record)
    return record.analysis_id


async def _processing(records: Records, *, until: float = 60) -> tuple[str, int]:
    """Id and lease token."""
    analysis_id = await _created(records, status=Status.QUEUED)
    record = await records.apply(analysis_id, _claim(until=until))
    return analysis_id, record.lease_token


async def _refused(records: Records, analysis_id: str, change: Change) -> Record:
    """What was found instead."""
    before = await records.get(analysis_id)
    with pytest.raises(Conflict) as caught:
        await records.apply(analysis_id, change)
    assert await records.get(analysis_id) == before == caught.value.current
    return caught.value.current


async def test_a_new_record_is_read_back_whole(records: Records) -> None:
    record = a_record(new_id())
    await records.create(record)
    assert await records.get(record.analysis_id) == record


async def test_every_field_is_kept(records: Records) -> None:
    record = a_record(
        new_id(),
        status=Status.PROCESSING,
        synthetic=True,
        revision=7,
        epoch=2,
        attempt=3,
        stage="extract",
        progress=40,
        object_etag="abc",
        object_bytes=5_000_000_000,
        queued_at=rfc3339(MOMENT),
        sent_at=rfc3339(MOMENT),
        finished_at=rfc3339(MOMENT),
        error_code=ErrorCode.MODEL_TIMEOUT,
        error_detail='detail: "ü" ✓',
        lease_owner="w",
        lease_token=9,
        lease_message="m",
        lease_until=1795532839.123456,
    )
    await records.create(record)
    assert await records.get(record.analysis_id) == record


async def test_an_id_is_created_once(records: Records) -> None:
    record = a_record(new_id())
    await records.create(record)
    with pytest.raises(ValueError, match="exists"):
        await records.create(record.model_copy(update={"filename": "other.mp4"}))
    assert await records.get(record.analysis_id) == record


async def test_nothing_is_none(records: Records) -> None:
    assert await records.get(new_id()) is None


async def test_a_change_of_nothing_is_not_found(records: Records) -> None:
    analysis_id = new_id()
    with pytest.raises(Failure) as caught:
        await records.apply(analysis_id, uploaded(MOMENT))
    assert caught.value.code is ErrorCode.ANALYSIS_NOT_FOUND
    assert await records.get(analysis_id) is None


async def test_a_change_gives_the_record_after_it(records: Records) -> None:
    analysis_id = await _created(records)
    after = await records.apply(analysis_id, uploaded(MOMENT))
    assert (after.status, after.stage, after.revision) == (Status.QUEUED, "queue", 2)
    assert await records.get(analysis_id) == after


async def test_revision_grows_by_one_with_every_change(records: Records) -> None:
    analysis_id, token = await _processing(records)
    seen = [
        (await records.apply(analysis_id, progressed(MOMENT, token=token, stage="extract", progress=at))).revision
        for at in range(3)
    ]
    assert seen == [3, 4, 5]


async def test_a_change_from_another_state_is_a_conflict(records: Records) -> None:
    analysis_id = await _created(records)
    assert (await _refused(records, analysis_id, reopened(MOMENT))).status is Status.PENDING_UPLOAD


async def test_a_claim_takes_the_next_token(records: Records) -> None:
    analysis_id = await _created(records, status=Status.QUEUED, lease_token=4, attempt=1)
    after = await records.apply(analysis_id, _claim())
    assert (after.status, after.lease_token, after.attempt) == (Status.PROCESSING, 5, 2)
    assert (after.lease_owner, after.lease_message, after.lease_until) == ("w1", "m1", NOW + 60)


async def test_one_of_twenty_racing_claims_wins(records: Records) -> None:
    analysis_id = await _created(records, status=Status.QUEUED)
    outcomes = await asyncio.gather(
        *(records.apply(analysis_id, _claim(f"m{n}")) for n in range(20)), return_exceptions=True
    )
    winners = [one for one in outcomes if isinstance(one, Record)]
    losers = [one for one in outcomes if isinstance(one, Conflict)]
    assert (len(winners), len(losers)) == (1, 19)
    assert {loser.current.lease_message for loser in losers} == {winners[0].lease_message}
    assert await records.get(analysis_id) == winners[0]


async def test_a_held_lease_is_not_given_to_another_message(records: Records) -> None:
    analysis_id, _ = await _processing(records, until=-1000)
    assert (await _refused(records, analysis_id, _claim("m2", receives=9))).lease_message == "m1"


async def test_a_held_lease_goes_over_to_the_same_message_once_it_is_handed_out_again(records: Records) -> None:
    analysis_id, token = await _processing(records)
    await _refused(records, analysis_id, _claim("m1", receives=1))
    after = await records.apply(analysis_id, _claim("m1", receives=2))
    assert (after.lease_token, after.lease_receives) == (token + 1, 2)


async def test_a_lease_that_was_seen_not_to_move_is_free(records: Records) -> None:
    analysis_id, token = await _processing(records)
    seen = await records.get(analysis_id)
    assert seen is not None
    await _refused(records, analysis_id, _claim("m2", seen=seen.revision - 1))
    assert (await records.apply(analysis_id, _claim("m2", seen=seen.revision))).lease_token == token + 1


async def test_a_lease_that_moved_after_it_was_seen_is_held(records: Records) -> None:
    analysis_id, token = await _processing(records)
    seen = await records.get(analysis_id)
    assert seen is not None
    await records.apply(analysis_id, renewed(token=token, until=NOW + 90))
    await _refused(records, analysis_id, _claim("m2", seen=seen.revision))


async def test_a_claim_of_another_epoch_is_refused(records: Records) -> None:
    analysis_id = await _created(records, status=Status.QUEUED, epoch=1)
    await _refused(records, analysis_id, _claim(epoch=0))
    await _refused(records, analysis_id, _claim(epoch=2))
    assert (await records.apply(analysis_id, _claim(epoch=1))).epoch == 1


ByToken = Callable[[int], Change]
OF_THE_HOLDER: dict[str, ByToken] = {
    "renewed": lambda token: renewed(token=token, until=NOW + 90),
    "progressed": lambda token: progressed(MOMENT, token=token, stage="extract", progress=5),
    "released": lambda token: released(MOMENT, token=token, counts=True),
    "completed": lambda token: completed(MOMENT, token=token),
    "failed": lambda token: failed(MOMENT, Failure(ErrorCode.INTERNAL), token=token),
}


@pytest.mark.parametrize("change", OF_THE_HOLDER.values(), ids=OF_THE_HOLDER.keys())
async def test_only_the_newest_token_may_write(records: Records, change: ByToken) -> None:
    analysis_id, old = await _processing(records)
    newest = (await records.apply(analysis_id, _claim("m1", receives=2))).lease_token
    await _refused(records, analysis_id, change(old))
    await records.apply(analysis_id, change(newest))


async def test_what_goes_is_unset(records: Records) -> None:
    analysis_id, token = await _processing(records)
    after = await records.apply(analysis_id, released(MOMENT, token=token, counts=False))
    assert (after.lease_owner, after.lease_message, after.lease_until) == (None, None, None)
    assert (after.lease_token, after.attempt) == (token, 0)
    assert await records.get(analysis_id) == after


async def test_what_must_be_absent_is_noted_once(records: Records) -> None:
    analysis_id = await _created(records, status=Status.QUEUED)
    await records.apply(analysis_id, examined(MOMENT, etag="a", size=5, epoch=0))
    assert (await _refused(records, analysis_id, examined(MOMENT, etag="b", size=6, epoch=0))).object_etag == "a"


def _mine(found: Sequence[Record], ids: Sequence[str]) -> list[str]:
    return [one.analysis_id for one in found if one.analysis_id in ids]


async def test_stale_finds_leases_that_ran_out_longest_ago_first(records: Records) -> None:
    old, _ = await _processing(records, until=20)
    older, _ = await _processing(records, until=10)
    held, _ = await _processing(records, until=30)
    released_id, token = await _processing(records, until=5)
    await records.apply(released_id, released(MOMENT, token=token, counts=True))
    done_id, token = await _processing(records, until=5)
    await records.apply(done_id, completed(MOMENT, token=token))
    ids = [old, older, held, released_id, done_id, await _created(records, status=Status.QUEUED)]
    found = await records.stale(before=NOW + 30, limit=1000)
    assert _mine(found, ids) == [older, old]
    assert found[0].lease_until is not None
    assert len(await records.stale(before=NOW + 30, limit=1)) == 1


async def test_a_renewed_lease_is_not_stale(records: Records) -> None:
    analysis_id, token = await _processing(records, until=20)
    await records.apply(analysis_id, renewed(token=token, until=NOW + 500))
    assert _mine(await records.stale(before=NOW + 400, limit=1000), [analysis_id]) == []
    assert _mine(await records.stale(before=NOW + 501, limit=1000), [analysis_id]) == [analysis_id]


async def test_waiting_finds_what_was_queued_long_ago_oldest_first(records: Records) -> None:
    async def queued(seconds: float) -> str:
        analysis_id = await _created(records)
        await records.apply(analysis_id, uploaded(MOMENT + timedelta(seconds=seconds)))
        return analysis_id

    later, earlier, now = await queued(2), await queued(1), await queued(3)
    other = await _created(records, updated_at=rfc3339(MOMENT))
    ids = [later, earlier, now, other, (await _processing(records))[0]]
    before = rfc3339(MOMENT + timedelta(seconds=3))
    assert _mine(await records.waiting(before=before, limit=1000), ids) == [earlier, later]
    assert len(await records.waiting(before=before, limit=1)) == 1


async def test_waiting_looks_at_the_status_that_it_is_told(records: Records) -> None:
    pending = await _created(records, updated_at=rfc3339(MOMENT))
    queued = await _created(records, updated_at=rfc3339(MOMENT), status=Status.QUEUED)
    before = rfc3339(MOMENT + timedelta(seconds=1))
    found = await records.waiting(before=before, limit=1000, status=Status.PENDING_UPLOAD)
    assert _mine(found, [pending, queued]) == [pending]


async def test_waiting_goes_on_after_the_last_of_a_page(records: Records) -> None:
    ids = [await _created(records, status=Status.QUEUED) for _ in range(5)]
    before, seen, last = rfc3339(MOMENT + timedelta(seconds=1)), [], None
    while page := await records.waiting(before=before, limit=2, after=last):
        seen += page
        last = page[-1]
    assert sorted(_mine(seen, ids)) == sorted(ids)
    assert len({one.analysis_id for one in seen}) == len(seen)


UNHELD: dict[str, Callable[[int], Change]] = {
    "reclaimed": lambda revision: reclaimed(MOMENT, revision=revision),
    "closed": lambda revision: closed(MOMENT, Failure(ErrorCode.RETRIES_EXHAUSTED), epoch=0, revision=revision),
}


@pytest.mark.parametrize("change", UNHELD.values(), ids=UNHELD.keys())
async def test_who_holds_no_lease_writes_only_where_nobody_has_since(
    records: Records, change: Callable[[int], Change]
) -> None:
    analysis_id, token = await _processing(records)
    seen = await records.get(analysis_id)
    assert seen is not None
    renewed_one = await records.apply(analysis_id, renewed(token=token, until=NOW + 60))
    await _refused(records, analysis_id, change(seen.revision))
    after = await records.apply(analysis_id, change(renewed_one.revision))
    assert (after.lease_owner, after.lease_token) == (None, token + 1)
    await _refused(records, analysis_id, renewed(token=token, until=NOW + 90))


async def test_time_up_needs_no_quiet_but_its_epoch(records: Records) -> None:
    analysis_id, token = await _processing(records)
    await records.apply(analysis_id, renewed(token=token, until=NOW + 60))
    failure = Failure(ErrorCode.RETRIES_EXHAUSTED, "too old")
    await _refused(records, analysis_id, closed(MOMENT, failure, epoch=1))
    assert (await records.apply(analysis_id, closed(MOMENT, failure, epoch=0))).status is Status.FAILED
    await _refused(records, analysis_id, completed(MOMENT, token=token))


def _random_change(chance: random.Random) -> Change:
    token, epoch, at = chance.randint(0, 3), chance.randint(0, 1), MOMENT + timedelta(seconds=chance.randint(0, 100))
    return chance.choice(
        [
            uploaded(at),
            examined(at, etag="e", size=chance.randint(1, 9), epoch=epoch),
            sent(at, epoch=epoch),
            _claim(f"m{chance.randint(1, 2)}", receives=chance.randint(1, 3), epoch=epoch),
            _claim(f"m{chance.randint(1, 2)}", receives=chance.randint(1, 3)),
            _claim(f"m{chance.randint(1, 2)}", seen=chance.randint(1, 20)),
            renewed(token=token, until=NOW + chance.randint(0, 90) + 0.1),
            progressed(at, token=token, stage="extract", progress=chance.randint(0, 99)),
            released(at, token=token, counts=chance.random() < 0.5),
            completed(at, token=token),
            failed(at, Failure(ErrorCode.INTERNAL, "why"), token=chance.choice([None, token])),
            failed(at, Failure(ErrorCode.CONTENT_MISMATCH, "why"), epoch=epoch),
            expired(at),
            resent(at, epoch=epoch),
            reclaimed(at, revision=chance.randint(1, 20)),
            closed(at, Failure(ErrorCode.RETRIES_EXHAUSTED, "why"), epoch=epoch, revision=chance.randint(1, 20)),
            reopened(at),
        ]
    )


async def _outcome(records: Records, analysis_id: str, change: Change) -> Record | tuple[str, Record]:
    try:
        return await records.apply(analysis_id, change)
    except Conflict as conflict:
        return str(conflict), conflict.current


@pytest.mark.parametrize("seed", range(8))
async def test_any_row_of_changes_ends_as_the_fake_says(records: Records, seed: int) -> None:
    chance, model = random.Random(seed), FakeRecords()
    record = a_record(new_id(), status=chance.choice([Status.PENDING_UPLOAD, Status.QUEUED]))
    await model.create(record)
    await records.create(record)
    for _ in range(60):
        change = _random_change(chance)
        expected = await _outcome(model, record.analysis_id, change)
        assert await _outcome(records, record.analysis_id, change) == expected, change
    assert model.applied
