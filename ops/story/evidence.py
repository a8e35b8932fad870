"""What is looked up about one analysis: its record, clip, result, dead letters, and the queues that it may wait in."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import ValidationError

from core.clip import find_clip
from core.messages import Kind
from core.ports import VISION_MODEL, ObjectInfo, Objects
from core.record import Record, Status
from core.result import StoredResult
from ops.dead_letters.asking import DEFAULT_LIMIT, KINDS
from ops.dead_letters.letter import Letter, Wish
from ops.dead_letters.work import Place


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """`result` is None where there is none, or none that can be read. `waiting` counts the visible messages of each
    queue, `unread` says that dead letters were not looked for."""

    now: datetime
    record: Record
    clip: ObjectInfo | None
    result: StoredResult | None = None
    letters: Sequence[Letter] = ()
    unread: bool = False
    waiting: Mapping[Kind, int] = field(default_factory=dict)
    breaker_until: datetime | None = None

    @property
    def breaker_is_open(self) -> bool:
        return self.breaker_until is not None and self.breaker_until > self.now


async def gather(place: Place, objects: Objects, analysis_id: str, *, letters: bool = True) -> Evidence | None:
    """None without a record. Raises Failure when the outside does not answer."""
    record = await place.records.get(analysis_id)
    if record is None:
        return None
    clip, found, breaker_until, ingest, analysis = await asyncio.gather(
        find_clip(objects, record),
        place.found(KINDS, Wish(ids=frozenset({analysis_id})), limit=DEFAULT_LIMIT) if letters else _none(),
        place.breakers.open_until(VISION_MODEL),
        place.queues["ingest"].depth(),
        place.queues["analysis"].depth(),
    )
    return Evidence(
        now=place.now(),
        record=record,
        clip=None if clip is None else clip.info,
        result=await _result(objects, record),
        letters=found,
        unread=not letters,
        waiting={"ingest": ingest, "analysis": analysis},
        breaker_until=breaker_until,
    )


async def _none() -> list[Letter]:
    return []


async def _result(objects: Objects, record: Record) -> StoredResult | None:
    if record.status is not Status.COMPLETED:
        return None
    raw = await objects.read(record.result_key)
    try:
        found = None if raw is None else StoredResult.model_validate_json(raw)
    except ValidationError:
        return None
    return found if found is not None and found.analysis_id == record.analysis_id else None
