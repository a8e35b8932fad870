"""GET /analysis/{id} and its status, POST /analysis/start, POST /analysis/retry."""

import asyncio
from types import MappingProxyType

import structlog
from aiohttp import web
from pydantic import Field, ValidationError

from core.error_codes import ErrorCode
from core.messages import is_analysis_id
from core.record import Record, Status, frame_key, poster_key
from core.result import Sport, StoredResult
from service.analysis_result import AnalysisResult, analysis_result
from service.answers import AnalysisStatus, OutsideStatus, Started, respond
from service.authority import require_operator
from service.bodies import Asked, read_json
from service.conditional import unless_known
from service.failures import error_of, failure_response
from service.identity import bind_analysis
from service.keys import CALLER, OUTSIDE, WATCHES
from service.outside import Outside
from service.refusal import Refusal
from service.uploads import accepted, accepted_headers, id_in_path, intake_of
from service.waiting import LONGEST_WAIT_S, wished_wait

ADDRESS_VALID_S = 3600
SEEN_OUTSIDE: MappingProxyType[Status, OutsideStatus] = MappingProxyType(
    {
        Status.PENDING_UPLOAD: "pending",
        Status.QUEUED: "pending",
        Status.PROCESSING: "processing",
        Status.COMPLETED: "completed",
        Status.FAILED: "failed",
        Status.EXPIRED: "failed",
    }
)

_log = structlog.stdlib.get_logger(__name__)


class AnalysisStart(Asked):
    """`file_id` is the analysis id that /upload/init gave."""

    file_id: str = Field(max_length=100)
    sport_type: Sport | None = None


class AnalysisRetry(Asked):
    analysis_id: str = Field(max_length=100)


async def status(request: web.Request) -> web.Response:
    record = await intake_of(request).find(id_in_path(request))
    language = request[CALLER].language or record.language
    return unless_known(request, status_of(record, request), tag=f"{record.revision}-{language}")


async def result(request: web.Request) -> web.Response:
    """The result, its failure, or after the wait 202 with the state. Never starts work."""
    analysis_id = id_in_path(request)
    wait_s = wished_wait(request.headers.getall("Prefer", ()))
    record = await _settled(request, analysis_id, LONGEST_WAIT_S if wait_s is None else wait_s)
    applied = {} if wait_s is None else {"Preference-Applied": f"wait={wait_s}"}
    if record.status is Status.COMPLETED:
        return respond(await completed_result(request, record), headers=applied)
    if record.status.is_final:
        return failure_response(request, record)
    return respond(status_of(record, request), status=202, headers={**accepted_headers(record), **applied})


async def start(request: web.Request) -> web.Response:
    """/upload/complete by the old frontend's other name."""
    asked = await read_json(request, AnalysisStart)
    bind_analysis(asked.file_id)
    record = await intake_of(request).complete(asked.file_id, sport=asked.sport_type)
    return respond(Started(analysisId=record.analysis_id), status=202, headers=accepted_headers(record))


async def retry(request: web.Request) -> web.Response:
    """An operator starts a failed analysis again."""
    require_operator(request)
    asked = await read_json(request, AnalysisRetry)
    bind_analysis(asked.analysis_id)
    record = await intake_of(request).reopen(asked.analysis_id)
    return respond(accepted(record), status=202, headers=accepted_headers(record))


def status_of(record: Record, request: web.Request) -> AnalysisStatus:
    return AnalysisStatus(
        analysis_id=record.analysis_id,
        status=SEEN_OUTSIDE[record.status],
        progress=record.progress,
        stage=record.stage,
        attempt=record.attempt,
        error=error_of(request, record),
    )


async def stored_result(outside: Outside, record: Record) -> StoredResult:
    """What the worker stored. Raises Refusal(RESULT_MISSING), also for what is no result, or one of another analysis:
    nobody's numbers are shown as somebody else's."""
    raw = await outside.objects.read(record.result_key)
    try:
        stored = None if raw is None else StoredResult.model_validate_json(raw)
    except ValidationError:
        stored = None
    if stored is None or stored.analysis_id != record.analysis_id:
        _log.error("result.unusable", bytes=None if raw is None else len(raw))
        raise Refusal(ErrorCode.RESULT_MISSING)
    return stored


async def completed_result(request: web.Request, record: Record) -> AnalysisResult:
    outside = request.app[OUTSIDE]
    stored = await stored_result(outside, record)
    ids = [frame.id for frame in stored.measurement.frames]
    addresses = await asyncio.gather(
        *(
            outside.objects.presign_get(frame_key(record.analysis_id, frame_id), expires_s=ADDRESS_VALID_S)
            for frame_id in ids
        )
    )
    poster = None
    if record.poster:
        poster = await outside.objects.presign_get(poster_key(record.analysis_id), expires_s=ADDRESS_VALID_S)
    language = request[CALLER].language or record.language
    return analysis_result(stored, dict(zip(ids, addresses, strict=True)), language, poster=poster)


async def _settled(request: web.Request, analysis_id: str, wait_s: int) -> Record:
    """The record at its end, or as it is when the wait is over."""
    intake = intake_of(request)
    if wait_s == 0 or not is_analysis_id(analysis_id):
        return await intake.find(analysis_id)
    return await intake.current(
        await request.app[WATCHES].follow(analysis_id, limit_s=wait_s, present=lambda: request.transport is not None)
    )
