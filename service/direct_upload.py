"""POST /upload: the clip in the request's own body, passed on to the bucket as it comes."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime

import structlog
from aiohttp import MultipartReader, web

from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Record, upload_key
from service.admission import EXTENSIONS, Offer, new_record, too_large
from service.answers import UploadedClip, in_mib, respond
from service.bodies import wrong_field
from service.clip_form import FRAMING, ClipForm
from service.identity import bind_analysis
from service.keys import CALLER, METRICS, OUTSIDE, PACE, SETTINGS
from service.refusal import Refusal
from service.uploads import accepted, accepted_headers, intake_of, new_id

_log = structlog.stdlib.get_logger(__name__)


async def upload(request: web.Request) -> web.Response:
    """202 as for /upload/complete. Whatever is refused or breaks off leaves nothing behind."""
    settings = request.app[SETTINGS]
    if (request.content_length or 0) > settings.max_upload_bytes + FRAMING:
        raise too_large(settings)
    try:
        async with asyncio.timeout(settings.upload_expires_s):
            record = await _stored(request)
    except TimeoutError:
        raise Refusal(ErrorCode.REQUEST_TIMEOUT) from None
    _log.info("upload.stored", content_type=record.content_type, bytes=record.declared_bytes)
    request.app[METRICS].clip_stored(record.declared_bytes, synthetic=record.synthetic)
    record = await _queued(request, record)
    body = UploadedClip(
        **accepted(record).model_dump(),
        filename=record.filename,
        content_type=record.content_type,
        file_size_mb=in_mib(record.declared_bytes),
    )
    return respond(body, status=202, headers=accepted_headers(record))


async def _stored(request: web.Request) -> Record:
    """The record is written when all of the body has come and before S3 shows the object, so that S3's own event
    always finds it, and a body that is refused leaves neither."""
    settings, outside = request.app[SETTINGS], request.app[OUTSIDE]
    form = ClipForm(await _reader(request), settings, idle_s=request.app[PACE].idle_s)
    await form.open()
    analysis_id, now = new_id(), outside.now()
    bind_analysis(analysis_id)

    digest = hashlib.sha256()

    async def clip() -> AsyncIterator[bytes]:
        async for piece in form.pieces():
            digest.update(piece)
            yield piece
        record = _record(request, form, analysis_id, now)
        await outside.records.create(record.model_copy(update={"object_sha256": digest.hexdigest()}))

    key = upload_key(analysis_id, EXTENSIONS[form.content_type], now)
    await outside.objects.put_stream(key, clip(), content_type=form.content_type)
    return _record(request, form, analysis_id, now)


async def _reader(request: web.Request) -> MultipartReader:
    if request.content_type == "multipart/form-data":
        try:
            return await request.multipart()
        except ValueError:  # the boundary is missing, or too long
            pass
    raise wrong_field("Content-Type", "multipart/form-data with a boundary is expected")


def _record(request: web.Request, form: ClipForm, analysis_id: str, now: datetime) -> Record:
    caller = request[CALLER]
    return new_record(
        Offer(
            filename=form.filename,
            content_type=form.content_type,
            size=form.size,
            sport=form.fields().sport_type,
            language=caller.language or "en",
        ),
        analysis_id=analysis_id,
        now=now,
        settings=request.app[SETTINGS],
        traceparent=caller.trace.traceparent,
        synthetic=caller.synthetic,
        without_model=caller.without_model,
    )


async def _queued(request: web.Request, record: Record) -> Record:
    """The clip is safe by now: a failure says its id, so that /upload/complete can be asked without a new upload."""
    try:
        return await intake_of(request).complete(record.analysis_id)
    except Failure as failure:
        raise Refusal(
            failure.code, facts={"analysis_id": record.analysis_id}, retry_after=failure.retry_after
        ) from failure
