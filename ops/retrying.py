"""Trying one analysis again: decided from its record, carried out on table and queue."""

from dataclasses import dataclass
from typing import Literal

from core.clip import find_clip
from core.messages import Job
from core.ports import Objects
from core.record import Record, Status
from core.transitions import Conflict, reopened
from ops.dead_letters.asking import KINDS
from ops.dead_letters.letter import Letter, Wish
from ops.dead_letters.work import Outcome, Place

MOST_LETTERS = 10
_REFUSED = {
    Status.COMPLETED: "it is completed",
    Status.PROCESSING: "it is in work: a worker that died is replaced by itself",
    Status.EXPIRED: "its clip never came",
    Status.PENDING_UPLOAD: "its clip has not come yet",
}
Did = Literal["queued", "would_queue", "refused", "not_found"]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """`letters`: how many dead letters of it went with it. `why` is set where nothing was done."""

    did: Did
    why: str = ""
    epoch: int | None = None
    letters: int = 0


def refusal(record: Record, *, clip: bool) -> str | None:
    """Why not; None where it may be tried again: after a failure, or when a retry's own message may not have been
    sent."""
    if record.status in _REFUSED:
        return _REFUSED[record.status]
    if record.status is Status.QUEUED and (record.epoch == 0 or record.object_etag is not None):
        return "it is queued already"
    return None if clip else "its clip is not in the bucket any more"


async def try_again(place: Place, objects: Objects, analysis_id: str, *, dry_run: bool) -> Tried:
    """Reopened first, sent second: asked again after a crash in between, it sends what is missing. Its dead letters
    are not needed any more, and are removed last. Raises BreakerIsOpen, Failure."""
    record = await place.records.get(analysis_id)
    if record is None:
        return Tried(did="not_found", why="there is no record of it")
    why = refusal(record, clip=await find_clip(objects, record) is not None)
    if why is not None:
        return Tried(did="refused", why=why)
    wish = Wish(ids=frozenset({analysis_id}))
    letters = [one for one in await place.found(KINDS, wish, limit=MOST_LETTERS) if one.analysis_ids == (analysis_id,)]
    if dry_run:
        return Tried(did="would_queue", epoch=record.epoch + 1, letters=len(letters))
    await place.refuse_if_open()
    if record.status is Status.FAILED:
        try:
            record = await place.records.apply(analysis_id, reopened(place.now()))
        except Conflict as conflict:
            return Tried(did="refused", why=f"somebody else moved it meanwhile: it is {conflict.current.status}")
    job = Job(
        kind="ingest",
        analysis_id=analysis_id,
        epoch=record.epoch,
        traceparent=record.traceparent,
        synthetic=record.synthetic,
    )
    await place.queues["ingest"].send(job.body(), job.attributes())
    return Tried(did="queued", epoch=record.epoch, letters=await _removed(place, letters))


async def _removed(place: Place, letters: list[Letter]) -> int:
    told: list[Outcome] = []
    for kind in KINDS:
        ids = frozenset(letter.message_id for letter in letters if letter.queue == kind)
        if ids:
            await place.purge(kind, ids, told.append)
    return len(told)
