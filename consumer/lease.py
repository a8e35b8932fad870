"""The right to write about one analysis: one worker at a time, each fenced off by the next one's token.

No two machines' clocks are ever compared. A lease is taken from its holder when SQS has handed the holder's message to
us, or when we have seen, for as long as a lease lasts and by our own monotonic clock, that the record does not move:
a holder that lives writes with every beat. Should it live all the same, its token is stale and it can write nothing.
"""

from collections import OrderedDict
from dataclasses import dataclass

from consumer.engine.clock import Clock
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Delivery, Records
from core.record import Record, Status
from core.transitions import Change, Conflict, claimed, renewed

MOST_SIGHTINGS = 1_000


class Lease:
    """`record` is as it was when the lease was taken; `token` is in every write."""

    def __init__(self, *, records: Records, clock: Clock, record: Record, seconds: float) -> None:
        self._records = records
        self._clock = clock
        self._seconds = seconds
        self.record = record
        self.token = record.lease_token

    async def renew(self) -> None:
        """Raises Failure(LEASE_LOST) when somebody else holds it by now."""
        await self.write(renewed(token=self.token, until=self._clock.now().timestamp() + self._seconds))

    async def write(self, change: Change) -> Record:
        """Carries out the change under the token. Raises Failure(LEASE_LOST) where the token is not in force, but not
        for a change that has happened: the adapter may have asked twice. Nor for a sign of life that comes after this
        holder's own last word, while it still clears its place of work: nothing is lost then."""
        try:
            return await self._records.apply(self.record.analysis_id, change)
        except Conflict as conflict:
            current = conflict.current
            if current.lease_token == self.token and current.status == change.sets.get("status", Status.COMPLETED):
                return current
            raise Failure(ErrorCode.LEASE_LOST, str(conflict)) from conflict


class Sightings:
    """Records that this process found in somebody else's hands: at which revision, and since when. The oldest are
    forgotten when there are too many; that only makes a wait longer."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def left(self, record: Record, *, moment: float, seconds: float) -> float:
        """Notes the record. How much longer, from `moment` (Clock.monotonic) on, it must not move before its lease of
        so many seconds counts as abandoned; 0.0 when it does."""
        revision, since = self._seen.pop(record.analysis_id, (record.revision, moment))
        if revision != record.revision:
            since = moment
        self._seen[record.analysis_id] = (record.revision, since)
        if len(self._seen) > MOST_SIGHTINGS:
            self._seen.popitem(last=False)
        return max(0.0, since + seconds - moment)

    def forget(self, analysis_id: str) -> None:
        self._seen.pop(analysis_id, None)


@dataclass(frozen=True, kw_only=True)
class Leases:
    """Where one process takes its leases from; each lasts so many `seconds` from its last renewal."""

    records: Records
    clock: Clock
    owner: str
    seconds: float
    sightings: Sightings

    async def take(self, analysis_id: str, *, epoch: int, delivery: Delivery) -> Lease | Record:
        """The lease, with one more attempt counted; or, where it is not to be had, the record that says why.
        Raises Failure(ANALYSIS_NOT_FOUND)."""
        found = await self._claim(analysis_id, epoch, delivery, seen=None)
        if isinstance(found, Record) and found.lease_owner is not None and self.left(found) == 0.0:
            found = await self._claim(analysis_id, epoch, delivery, seen=found.revision)
        if isinstance(found, Lease) or found.status.is_final:
            self.sightings.forget(analysis_id)
        return found

    def left(self, record: Record) -> float:
        """Seconds until somebody else's lease on it can be taken, should it not move in the meantime."""
        return self.sightings.left(record, moment=self.clock.monotonic(), seconds=self.seconds)

    async def _claim(self, analysis_id: str, epoch: int, delivery: Delivery, *, seen: int | None) -> Lease | Record:
        now = self.clock.now()
        change = claimed(
            now,
            owner=self.owner,
            message=delivery.message_id,
            receives=delivery.receive_count,
            until=now.timestamp() + self.seconds,
            epoch=epoch,
            seen=seen,
        )
        try:
            record = await self.records.apply(analysis_id, change)
        except Conflict as conflict:
            return conflict.current
        return Lease(records=self.records, clock=self.clock, record=record, seconds=self.seconds)
