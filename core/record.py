"""The analysis record and its states.

pending_upload -> queued -> processing -> completed | failed; pending_upload -> expired;
failed -> queued by an operator only.
"""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_validator

from core.error_codes import ErrorCode
from core.result import Sport

Language = Literal["en", "de"]

UPLOADS, CLIPS, ARTIFACTS = "videos/", "clips/", "artifacts/"
"""The bucket's folders: what forms may write to, what ingest keeps, what analyses leave."""


class Status(StrEnum):
    PENDING_UPLOAD = "pending_upload"
    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    EXPIRED = "expired"

    @property
    def is_final(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.EXPIRED)


class Record(BaseModel):
    """One analysis, as the record table holds it. Times are RFC 3339 UTC; lease_until and expires_at epoch seconds.

    `revision` grows with every write. `epoch` grows with every operator's retry; `attempt` counts the tries in it.
    `key` is where its upload comes to, `clip_key` where the clip lies once ingest has taken it.
    The lease: `lease_owner` may write while `lease_token` is the one it was given; `lease_message` is the SQS message
    it works on, received for the `lease_receives`-th time. `lease_until` is when others look whether it is dead.
    `object_etag` and `object_bytes` are the kept clip's, `upload_etag` its upload's.
    `object_sha256` (hex) is set where the clip's hash was known before its analysis; `poster`: its picture is stored.
    `without_model`: a probe that may spend nothing on the vision model.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    analysis_id: str
    status: Status
    sport_type: Sport
    language: Language
    filename: str
    content_type: str
    declared_bytes: int
    key: str
    created_at: str
    updated_at: str
    expires_at: int
    traceparent: str
    synthetic: bool = False
    without_model: bool = False
    revision: int = 1
    epoch: int = 0
    attempt: int = 0
    stage: str | None = None
    progress: int = 0
    upload_etag: str | None = None
    object_etag: str | None = None
    object_bytes: int | None = None
    object_sha256: str | None = None
    poster: bool = False
    queued_at: str | None = None
    sent_at: str | None = None
    finished_at: str | None = None
    error_code: ErrorCode | None = None
    error_detail: str | None = None
    lease_owner: str | None = None
    lease_token: int = 0
    lease_message: str | None = None
    lease_receives: int | None = None
    lease_until: float | None = None

    @field_validator("error_code", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        """A code that a newer version wrote is still a failure to this one: after a rollback nothing must break."""
        return ErrorCode.INTERNAL if isinstance(value, str) and value not in ErrorCode.__members__ else value

    @property
    def clip_key(self) -> str:
        """Under a prefix that no form may write to."""
        return f"{CLIPS}{self.analysis_id}{PurePosixPath(self.key).suffix}"

    @property
    def result_key(self) -> str:
        return result_key(self.analysis_id)


def upload_key(analysis_id: str, extension: str, at: datetime) -> str:
    return f"{UPLOADS}{at:%Y/%m/%d}/{analysis_id}.{extension}"


def artifacts_prefix(analysis_id: str) -> str:
    return f"{ARTIFACTS}{analysis_id}/"


def result_key(analysis_id: str) -> str:
    return f"{artifacts_prefix(analysis_id)}result.json"


def frame_key(analysis_id: str, frame_id: str) -> str:
    return f"{artifacts_prefix(analysis_id)}frames/{frame_id}.jpg"


def poster_key(analysis_id: str) -> str:
    return f"{artifacts_prefix(analysis_id)}poster.jpg"


def rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
