"""POST /upload/init, POST /upload/complete, GET /upload/status/{id}."""

import uuid

import structlog
from aiohttp import web
from pydantic import Field

from core.record import Language, Record
from core.result import Sport
from service.admission import Offer, check_size, media_type, new_record
from service.answers import Accepted, UploadAddress, UploadStatus, in_mib, respond, status_path, video_path
from service.bodies import Asked, read_json
from service.conditional import unless_known
from service.failures import error_of
from service.identity import bind_analysis
from service.intake import Intake
from service.keys import CALLER, OUTSIDE, SETTINGS

RETRY_AFTER = "2"

_log = structlog.stdlib.get_logger(__name__)


class UploadWish(Asked):
    """`file_size` in bytes. `language` is that of the result's texts; without it the request's."""

    filename: str = Field(max_length=1024)
    content_type: str = Field(max_length=100)
    file_size: int = Field(ge=0)
    sport_type: Sport = Sport.CLIMBING
    language: Language | None = None


class UploadDone(Asked):
    analysis_id: str = Field(max_length=100)


async def init(request: web.Request) -> web.Response:
    """201 with an upload address whose policy fixes key, type and length. The record is there before the address is."""
    settings, outside, caller = request.app[SETTINGS], request.app[OUTSIDE], request[CALLER]
    wish = await read_json(request, UploadWish)
    content_type = media_type(wish.content_type)
    check_size(wish.file_size, settings)
    record = new_record(
        Offer(
            filename=wish.filename,
            content_type=content_type,
            size=wish.file_size,
            sport=wish.sport_type,
            language=wish.language or caller.language or "en",
        ),
        analysis_id=new_id(),
        now=outside.now(),
        settings=settings,
        traceparent=caller.trace.traceparent,
        synthetic=caller.synthetic,
        without_model=caller.without_model,
    )
    bind_analysis(record.analysis_id)
    address = await outside.objects.presign_post(
        record.key,
        content_type=content_type,
        min_bytes=settings.min_upload_bytes,
        max_bytes=settings.max_upload_bytes,
        expires_s=settings.upload_expires_s,
    )
    await outside.records.create(record)
    _log.info("upload.began", content_type=content_type, declared_bytes=record.declared_bytes)
    body = UploadAddress(
        analysis_id=record.analysis_id,
        upload_url=address.url,
        upload_fields=dict(address.fields),
        s3_key=record.key,
        expires_in=settings.upload_expires_s,
        max_file_size=settings.max_upload_bytes,
    )
    return respond(body, status=201, headers={"Location": status_path(record.analysis_id)})


async def complete(request: web.Request) -> web.Response:
    """202 with the present state, however often it is asked."""
    done = await read_json(request, UploadDone)
    bind_analysis(done.analysis_id)
    record = await intake_of(request).complete(done.analysis_id)
    return respond(accepted(record), status=202, headers=accepted_headers(record))


async def upload_status(request: web.Request) -> web.Response:
    record = await intake_of(request).find(id_in_path(request))
    language = request[CALLER].language or record.language
    body = UploadStatus(
        analysis_id=record.analysis_id,
        status=record.status,
        filename=record.filename,
        size_mb=in_mib(record.declared_bytes if record.object_bytes is None else record.object_bytes),
        stage=record.stage,
        progress=record.progress,
        error=error_of(request, record),
    )
    return unless_known(request, body, tag=f"{record.revision}-{language}")


def new_id() -> str:
    return str(uuid.uuid4())


def intake_of(request: web.Request) -> Intake:
    return Intake(settings=request.app[SETTINGS], outside=request.app[OUTSIDE])


def id_in_path(request: web.Request) -> str:
    analysis_id = request.match_info["id"]
    bind_analysis(analysis_id)
    return analysis_id


def accepted(record: Record) -> Accepted:
    return Accepted(
        analysis_id=record.analysis_id,
        status=record.status,
        sport_detected=record.sport_type,
        video_url=video_path(record.analysis_id),
    )


def accepted_headers(record: Record) -> dict[str, str]:
    return {"Location": status_path(record.analysis_id), "Retry-After": RETRY_AFTER}
