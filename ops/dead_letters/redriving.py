"""What a redrive does with one letter, decided from the letter and its records. Nothing here awaits."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.messages import Job, Kind
from core.record import Record, Status
from ops.dead_letters.letter import Letter


@dataclass(frozen=True, kw_only=True)
class Skip:
    """The letter stays where it is."""

    why: str


@dataclass(frozen=True, kw_only=True)
class Reopen:
    """This record's failure is undone first, which changes what is to be sent: decide again then."""

    analysis_id: str


@dataclass(frozen=True, kw_only=True)
class Send:
    """A message takes the letter's place on this queue: its attributes and its trace kept, the reason dropped."""

    queue: Kind
    body: str
    attributes: Mapping[str, str]


Step = Skip | Reopen | Send

_STAYS = {
    Status.COMPLETED: "its analysis is completed: purge it",
    Status.PROCESSING: "its analysis is in work",
    Status.EXPIRED: "its upload has expired: purge it",
}


def next_step(letter: Letter, records: Mapping[str, Record]) -> Step:
    """`records`: those of the letter's analyses that there are."""
    if letter.envelope is None:
        return Skip(why=f"it would come back: {letter.undecodable}")
    if not records:
        return Skip(why="there is no record of it: purge it")
    if letter.envelope.job is not None:
        return _of_job(letter, letter.envelope.job, records[letter.envelope.job.analysis_id])
    return _of_event(letter, list(records.values()))


def _of_job(letter: Letter, job: Job, record: Record) -> Step:
    if record.status in _STAYS:
        return Skip(why=_STAYS[record.status])
    if record.status is Status.FAILED:
        return Reopen(analysis_id=record.analysis_id)
    if record.epoch == job.epoch:
        return Send(queue=letter.queue, body=letter.delivery.body, attributes=_attributes(letter))
    if record.object_etag is not None:
        return Skip(why="its analysis was started again, and is under way")
    # a new epoch begins with the ingest, which notes the object anew; the one who reopened it may not have got so far
    again = replace(job, kind="ingest", epoch=record.epoch)
    return Send(queue="ingest", body=again.body(), attributes=_attributes(letter))


def _of_event(letter: Letter, records: list[Record]) -> Step:
    failed = [record for record in records if record.status is Status.FAILED]
    if failed:
        return Reopen(analysis_id=failed[0].analysis_id)
    if all(record.status in _STAYS or record.object_etag is not None for record in records):
        return Skip(why="its uploads are all further on: purge it")
    return Send(queue="ingest", body=letter.delivery.body, attributes=_attributes(letter))


def _attributes(letter: Letter) -> dict[str, str]:
    return {name: value for name, value in letter.delivery.attributes.items() if name != "reason"}
