"""DELETE /analysis/{id}: operators remove what a probe made; nobody removes a user's analysis by this."""

from datetime import datetime, timedelta

import structlog
from aiohttp import web

from core.error_codes import ErrorCode
from core.failure import Failure
from core.messages import is_analysis_id
from core.record import Record, Status
from core.settings import Settings
from core.transitions import Change, Conflict, closed, expired
from service.answers import Answer, respond
from service.authority import require_operator
from service.keys import OUTSIDE, SETTINGS
from service.outside import Outside
from service.refusal import Refusal
from service.uploads import id_in_path

SPARE = 1.5
"""A message that its last holder did not delete has come again after one visibility time-out."""
_FINAL = frozenset(status for status in Status if status.is_final)

_log = structlog.stdlib.get_logger(__name__)


class Removed(Answer):
    """`objects` were in the bucket. `first`: nobody had asked before. `gone` false: its record stays a little, for
    messages that still name it."""

    analysis_id: str
    objects: int
    first: bool
    gone: bool


async def delete(request: web.Request) -> web.Response:
    """200 when nothing is left; 202 when the record has to stay until no message of it can come any more, since a
    message without its record goes to the dead letters. Ask again then. A running analysis is stopped.
    Raises Refusal: UNAUTHENTICATED, FORBIDDEN, ANALYSIS_NOT_FOUND."""
    require_operator(request)
    outside, settings, now = request.app[OUTSIDE], request.app[SETTINGS], request.app[OUTSIDE].now()
    analysis_id = id_in_path(request)
    record = await outside.records.get(analysis_id) if is_analysis_id(analysis_id) else None
    if record is None:
        raise Refusal(ErrorCode.ANALYSIS_NOT_FOUND)
    if not record.synthetic:
        raise Refusal(ErrorCode.FORBIDDEN)
    first = record.expires_at > now.timestamp()
    record = await _dismissed(outside, record, now)
    objects = await outside.leavings.remove_objects(record)
    gone = await _is_quiet(outside, record, settings, now) and await outside.leavings.forget(record)
    _log.info("analysis.removed", objects=objects, gone=gone)
    body = Removed(analysis_id=analysis_id, objects=objects, first=first, gone=gone)
    return respond(body, status=200 if gone else 202)


async def _dismissed(outside: Outside, record: Record, now: datetime) -> Record:
    """The record at its end, and past its time: readers find nothing from now on."""
    ended = await _applied(outside, record, _end(record, now)) if not record.status.is_final else record
    if ended.expires_at <= now.timestamp():
        return ended
    past = Change(name="dismissed", sources=_FINAL, sets={"expires_at": int(now.timestamp())})
    return await _applied(outside, ended, past)


def _end(record: Record, now: datetime) -> Change:
    if record.status is Status.PENDING_UPLOAD:
        return expired(now)
    return closed(now, Failure(ErrorCode.CANCELLED, "its probe is over"), epoch=record.epoch)


async def _applied(outside: Outside, record: Record, change: Change) -> Record:
    """After the change, or as somebody else has left it meanwhile: the next request goes on from there."""
    try:
        return await outside.records.apply(record.analysis_id, change)
    except Conflict as conflict:
        return conflict.current


async def _is_quiet(outside: Outside, record: Record, settings: Settings, now: datetime) -> bool:
    """Whether no message of it can come any more: none waits, and one in somebody's hands would have come back."""
    if not record.status.is_final or record.finished_at is None:
        return False
    since = now - datetime.fromisoformat(record.finished_at)
    if since < timedelta(seconds=SPARE * settings.visibility_s):
        return False
    return await outside.ingest.depth() + await outside.analysis.depth() == 0
