"""The rules of what is taken: types, sizes, names. Nothing here awaits."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from core.error_codes import ErrorCode
from core.record import Language, Record, Status, rfc3339, upload_key
from core.result import Sport
from core.settings import Settings
from service.refusal import Refusal

EXTENSIONS = MappingProxyType(
    {
        "video/mp4": "mp4",
        "video/quicktime": "mov",
        "video/webm": "webm",
        "video/x-matroska": "mkv",
        "video/avi": "avi",
        "video/x-msvideo": "avi",
        "video/3gpp": "3gp",
    }
)
# What a client says that does not know (curl, for one): then the name's ending counts. The bytes are looked at later.
UNSAID = frozenset({"", "application/octet-stream"})
_TYPES = {extension: kind for kind, extension in EXTENSIONS.items()}
GRACE_S = 3600
_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A clip that somebody wants to upload. `content_type` is one that media_type() returned; `size` in bytes."""

    filename: str
    content_type: str
    size: int
    sport: Sport
    language: Language


def media_type(content_type: str) -> str:
    """The type without its parameters. Raises Refusal(UNSUPPORTED_CONTENT_TYPE) for one that is not taken."""
    bare = content_type.partition(";")[0].strip().lower()
    if bare not in EXTENSIONS:
        raise Refusal(ErrorCode.UNSUPPORTED_CONTENT_TYPE, facts={"supported": list(EXTENSIONS)})
    return bare


def media_type_of_file(content_type: str, filename: str) -> str:
    """media_type(), by the name's ending where the client did not say. Raises Refusal(UNSUPPORTED_CONTENT_TYPE)."""
    if content_type.partition(";")[0].strip().lower() in UNSAID:
        return media_type(_TYPES.get(filename.rpartition(".")[2].lower(), ""))
    return media_type(content_type)


def check_size(size: int, settings: Settings) -> None:
    """Raises Refusal: FILE_TOO_LARGE or FILE_TOO_SMALL."""
    if size > settings.max_upload_bytes:
        raise too_large(settings)
    if size < settings.min_upload_bytes:
        raise Refusal(ErrorCode.FILE_TOO_SMALL, facts={"file_size": size, "min_file_size": settings.min_upload_bytes})


def too_large(settings: Settings) -> Refusal:
    return Refusal(ErrorCode.FILE_TOO_LARGE, facts={"max_file_size": settings.max_upload_bytes})


def clean_name(filename: str) -> str:
    """A name to show, never one to open: the last part of a path, without control, format and unpaired characters
    (line breaks, escapes, NUL, marks that turn the reading direction), at most 200 characters; "clip" when nothing
    is left."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    shown = "".join(c for c in last if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029")
    return unicodedata.normalize("NFC", shown).strip()[:_LONGEST_NAME] or "clip"


def new_record(  # noqa: PLR0913  # the record's own fields, spelt out
    offer: Offer,
    *,
    analysis_id: str,
    now: datetime,
    settings: Settings,
    traceparent: str,
    synthetic: bool,
    without_model: bool = False,
) -> Record:
    """The record of an upload that may begin now."""
    return Record(
        analysis_id=analysis_id,
        status=Status.PENDING_UPLOAD,
        sport_type=offer.sport,
        language=offer.language,
        filename=clean_name(offer.filename),
        content_type=offer.content_type,
        declared_bytes=offer.size,
        key=upload_key(analysis_id, EXTENSIONS[offer.content_type], now),
        created_at=rfc3339(now),
        updated_at=rfc3339(now),
        expires_at=int((now + timedelta(days=settings.retention_days)).timestamp()),
        traceparent=traceparent,
        synthetic=synthetic,
        without_model=without_model,
    )


def is_overdue(record: Record, now: datetime, settings: Settings) -> bool:
    """Whether the upload should have come long ago: its address's validity and an hour are over."""
    age = now - datetime.fromisoformat(record.created_at)
    return record.status is Status.PENDING_UPLOAD and age.total_seconds() > settings.upload_expires_s + GRACE_S


def is_past(record: Record, now: datetime) -> bool:
    """Whether the record's time is over; the table deletes it some time after that."""
    return record.expires_at <= now.timestamp()
