"""The right to write about one analysis: one worker at a time, each fenced off by the next one's token."""

from consumer.engine.clock import Clock
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Records
from core.record import Record
from core.transitions import Change, Conflict, claimed, renewed


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
        for a change that has happened: the adapter may have asked twice."""
        try:
            return await self._records.apply(self.record.analysis_id, change)
        except Conflict as conflict:
            current = conflict.current
            if current.lease_token == self.token and current.status == change.sets.get("status"):
                return current
            raise Failure(ErrorCode.LEASE_LOST, str(conflict)) from conflict


async def take_lease(  # noqa: PLR0913  # all of them belong to one claim
    *, records: Records, clock: Clock, owner: str, seconds: float, analysis_id: str, epoch: int, message: str
) -> Lease | Record:
    """The lease, with one more attempt counted; or, where it is not to be had, the record that says why.
    Raises Failure(ANALYSIS_NOT_FOUND)."""
    now = clock.now()
    change = claimed(now, owner=owner, message=message, until=now.timestamp() + seconds, epoch=epoch)
    try:
        record = await records.apply(analysis_id, change)
    except Conflict as conflict:
        return conflict.current
    return Lease(records=records, clock=clock, record=record, seconds=seconds)
