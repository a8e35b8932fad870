"""The record table in memory; carries out a Change as core/transitions.py words it."""

from collections.abc import Sequence

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Record, Status
from core.transitions import Change, Conflict, Rival
from tests.fakes.faults import Faults


class FakeRecords:
    """`stored` is the table; `applied` keeps (analysis id, name of the change) of every change that happened."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.stored: dict[str, Record] = {}
        self.applied: list[tuple[str, str]] = []

    async def create(self, record: Record) -> None:
        async with self.faults.around("records.create"):
            if record.analysis_id in self.stored:
                raise ValueError(f"{record.analysis_id} exists")
            self.stored[record.analysis_id] = record

    async def get(self, analysis_id: str) -> Record | None:
        async with self.faults.around("records.get"):
            return self.stored.get(analysis_id)

    async def apply(self, analysis_id: str, change: Change) -> Record:
        async with self.faults.around("records.apply"):
            record = self.stored.get(analysis_id)
            if record is None:
                raise Failure(ErrorCode.ANALYSIS_NOT_FOUND)
            after = carried_out(change, record)
            self.stored[analysis_id] = after
            self.applied.append((analysis_id, change.name))
            return after

    async def stale(self, *, before: float, limit: int) -> Sequence[Record]:
        async with self.faults.around("records.stale"):
            leased = ((r.lease_until, r) for r in self.stored.values() if r.status is Status.PROCESSING)
            found = [(until, record) for until, record in leased if until is not None and until < before]
            return [record for _, record in sorted(found, key=lambda pair: pair[0])][:limit]

    async def waiting(
        self, *, before: str, limit: int, status: Status = Status.QUEUED, after: Record | None = None
    ) -> Sequence[Record]:
        async with self.faults.around("records.waiting"):
            found = sorted(
                (r for r in self.stored.values() if r.status is status and r.updated_at < before), key=_place
            )
            return [record for record in found if after is None or _place(record) > _place(after)][:limit]


def carried_out(change: Change, record: Record) -> Record:
    """The record after the change. Raises Conflict when its conditions do not hold."""
    if not _allowed(change, record):
        raise Conflict(change.name, record)
    fields = {name: value for name, value in record.model_dump().items() if name not in change.removes}
    for name, step in change.adds.items():
        fields[name] = (fields[name] or 0) + step
    return Record.model_validate(fields | dict(change.sets) | {"revision": record.revision + 1})


def _allowed(change: Change, record: Record) -> bool:
    return (
        record.status in change.sources
        and change.token in (None, record.lease_token)
        and change.epoch in (None, record.epoch)
        and change.revision in (None, record.revision)
        and all(getattr(record, name) is None for name in change.absent)
        and (change.rival is None or _beaten(change.rival, record))
    )


def _place(record: Record) -> tuple[str, str]:
    return record.updated_at, record.analysis_id


def _beaten(rival: Rival, record: Record) -> bool:
    handed_out_again = record.lease_message == rival.message and (record.lease_receives or 0) < rival.receives
    return record.lease_until is None or handed_out_again or record.revision == rival.seen
