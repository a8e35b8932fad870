"""What a holder may write once it has said its last word."""

import pytest

from consumer.engine.clock import SystemClock
from consumer.lease import Lease, Leases, Sightings
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery
from core.record import Status
from core.transitions import completed, failed, progressed
from tests.fakes import AN_ID, MOMENT, FakeRecords, a_record


async def held(records: FakeRecords, *, receive: int = 1) -> Lease:
    leases = Leases(records=records, clock=SystemClock(), owner="us", seconds=60, sightings=Sightings())
    delivery = Delivery(message_id="m", receipt=f"r{receive}", body="", receive_count=receive)
    taken = await leases.take(AN_ID, epoch=0, delivery=delivery)
    assert isinstance(taken, Lease)
    return taken


@pytest.fixture
async def records() -> FakeRecords:
    made = FakeRecords()
    await made.create(a_record(status=Status.QUEUED))
    return made


async def test_a_beat_after_the_last_word_has_lost_nothing(records: FakeRecords) -> None:
    lease = await held(records)
    await lease.write(completed(MOMENT, token=lease.token))
    await lease.renew()
    after = await lease.write(progressed(MOMENT, token=lease.token, stage="store", progress=99))
    assert (after.status, after.stage, after.progress) == (Status.COMPLETED, "done", 100)


async def test_a_beat_after_another_s_last_word_has(records: FakeRecords) -> None:
    first = await held(records)
    second = await held(records, receive=2)
    await second.write(completed(MOMENT, token=second.token))
    with pytest.raises(Failure) as raised:
        await first.renew()
    assert raised.value.code is ErrorCode.LEASE_LOST


async def test_a_beat_for_what_was_ended_by_force_has(records: FakeRecords) -> None:
    lease = await held(records)
    await lease.write(failed(MOMENT, Failure(ErrorCode.RETRIES_EXHAUSTED), token=lease.token))
    with pytest.raises(Failure) as raised:
        await lease.renew()
    assert raised.value.code is ErrorCode.LEASE_LOST
