"""The bodies of the small answers, and how a body becomes a response."""

from collections.abc import Mapping
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, RootModel

from core.errors import Entry, Problem
from core.record import Status
from core.result import Sport
from service.dependencies import Availability, State

OutsideStatus = Literal["pending", "processing", "completed", "failed"]
MIB = 1024 * 1024


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class UploadAddress(Answer):
    """Send the file as a multipart form: every one of `upload_fields` first, then the part `file`."""

    analysis_id: str
    upload_url: str
    upload_fields: dict[str, str]
    s3_key: str
    expires_in: int
    max_file_size: int


class Accepted(Answer):
    analysis_id: str
    status: Status
    sport_detected: Sport
    video_url: str


class UploadedClip(Accepted):
    filename: str
    content_type: str
    file_size_mb: float


class UploadStatus(Answer):
    """`size_mb` in MiB: as declared, then as stored."""

    analysis_id: str
    status: Status
    filename: str
    size_mb: float
    stage: str | None
    progress: int
    error: Problem | None


class AnalysisStatus(Answer):
    analysis_id: str
    status: OutsideStatus
    progress: int
    stage: str | None
    attempt: int
    error: Problem | None


class Started(Answer):
    analysisId: str  # noqa: N815 - the old frontend's spelling


class VideoAddress(Answer):
    video_url: str
    type: Literal["s3_presigned"] = "s3_presigned"
    expires_in: int
    content_type: str


class Sports(RootModel[tuple[Sport, ...]]):
    pass


class Catalogue(Answer):
    errors: tuple[Entry, ...]


class Services(Answer):
    s3: Availability
    sqs: Availability
    store: Availability
    redis: Availability
    video_cache: Availability


class CacheStats(Answer):
    """Of clips that came again, all workers together."""

    hits: int
    misses: int
    bytes: int
    entries: int


class Waiting(Answer):
    """Messages in each queue (about), and the seconds that the oldest analysis has waited; null: could not be read."""

    ingest: int | None
    analysis: int | None
    oldest_s: float | None


class Health(Answer):
    """`services` and `waiting` are as the background check, `check`, last saw them, `checked_s_ago` seconds ago (null:
    never)."""

    status: Literal["healthy", "degraded"]
    version: str
    services: Services
    cache_stats: CacheStats
    waiting: Waiting
    check: State
    checked_s_ago: float | None


class Alive(Answer):
    status: Literal["alive", "ready"]


def respond(body: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        body=body.model_dump_json().encode(), status=status, content_type="application/json", headers=headers
    )


def in_mib(size: int) -> float:
    return round(size / MIB, 2)


def video_path(analysis_id: str) -> str:
    return f"/videos/{analysis_id}"


def status_path(analysis_id: str) -> str:
    return f"/analysis/{analysis_id}/status"
