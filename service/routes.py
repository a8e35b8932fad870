"""Every address of the service: its table of contents. /openapi.json is built from this."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from aiohttp import web
from pydantic import BaseModel

from core.error_codes import ErrorCode as E
from service import analyses, deletion, direct_upload, health, overlays, pipeline_health, reference, uploads, videos
from service import answers as a
from service import pipeline_answers as p
from service.analysis_result import AnalysisResult
from service.bodies import Asked
from service.ready_verdict import PATH as PIPELINE

Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, kw_only=True)
class Route:
    """`answers`: the body by status, None where it is no JSON of a model. `fails`: codes that a client should expect,
    beside those of any body and INTERNAL. `form`: a multipart body. `admin`: operators only."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    handle: Handle
    summary: str
    answers: Mapping[int, type[BaseModel] | None]
    asks: type[Asked] | None = None
    form: bool = False
    fails: tuple[E, ...] = ()
    admin: bool = False


def _get(path: str, handle: Handle, summary: str, answers: Mapping[int, type[BaseModel] | None], *fails: E) -> Route:
    return Route(method="GET", path=path, handle=handle, summary=summary, answers=answers, fails=fails)


def _post(
    path: str, handle: Handle, summary: str, asks: type[Asked], answers: Mapping[int, type[BaseModel]], *fails: E
) -> Route:
    return Route(method="POST", path=path, handle=handle, summary=summary, asks=asks, answers=answers, fails=fails)


_QUEUEING = (E.ANALYSIS_NOT_FOUND, E.UPLOAD_MISSING, E.UPLOAD_EXPIRED, E.QUEUE_UNAVAILABLE, E.STORE_UNAVAILABLE)
_READING = (E.ANALYSIS_NOT_FOUND, E.STORE_UNAVAILABLE, E.STORAGE_UNAVAILABLE)
_CLIP = (E.UNSUPPORTED_CONTENT_TYPE, E.FILE_TOO_LARGE, E.FILE_TOO_SMALL)

ROUTES: tuple[Route, ...] = (
    _post(
        "/upload/init",
        uploads.init,
        "Begin an upload",
        uploads.UploadWish,
        {201: a.UploadAddress},
        *(*_CLIP, E.PRESIGN_FAILED, E.STORE_UNAVAILABLE),
    ),
    _post(
        "/upload/complete",
        uploads.complete,
        "Say that the clip is uploaded: queue its analysis",
        uploads.UploadDone,
        {202: a.Accepted},
        *_QUEUEING,
    ),
    Route(
        method="POST",
        path="/upload",
        handle=direct_upload.upload,
        summary="Upload a clip in one request",
        form=True,
        answers={202: a.UploadedClip},
        fails=(*_CLIP, E.REQUEST_TIMEOUT, E.STORAGE_UNAVAILABLE, E.QUEUE_UNAVAILABLE),
    ),
    _get(
        "/upload/status/{id}", uploads.upload_status, "State of an upload", {200: a.UploadStatus, 304: None}, *_READING
    ),
    _post(
        "/analysis/start",
        analyses.start,
        "Queue the analysis of an uploaded clip",
        analyses.AnalysisStart,
        {202: a.Started},
        *_QUEUEING,
    ),
    Route(
        method="POST",
        path="/analysis/retry",
        handle=analyses.retry,
        summary="Operators: start a failed analysis again",
        asks=analyses.AnalysisRetry,
        answers={202: a.Accepted},
        fails=(E.UNAUTHENTICATED, E.FORBIDDEN, E.ANALYSIS_NOT_FOUND, E.NOT_RETRYABLE, E.QUEUE_UNAVAILABLE),
        admin=True,
    ),
    _get(
        "/analysis/{id}/status", analyses.status, "State of an analysis", {200: a.AnalysisStatus, 304: None}, *_READING
    ),
    _get(
        "/analysis/{id}/overlay",
        overlays.overlay,
        "What to draw on the video",
        {200: overlays.Overlay},
        *(*_READING, E.RESULT_MISSING),
    ),
    _get(
        "/analysis/{id}",
        analyses.result,
        "The result, waited for up to 60 s",
        {200: AnalysisResult, 202: a.AnalysisStatus},
        *(*_READING, E.RESULT_MISSING),
    ),
    Route(
        method="DELETE",
        path="/analysis/{id}",
        handle=deletion.delete,
        summary="Operators: remove what a probe made",
        answers={200: deletion.Removed, 202: deletion.Removed},
        fails=(E.UNAUTHENTICATED, E.FORBIDDEN, *_READING),
        admin=True,
    ),
    _get(
        "/videos/{id}", videos.video, "Where the clip can be read", {200: a.VideoAddress}, *_READING, E.VIDEO_NOT_FOUND
    ),
    _get("/sports", reference.sports, "Sports that can be named", {200: a.Sports}),
    _get("/errors", reference.errors, "Every error there is", {200: a.Catalogue}),
    _get("/openapi.json", reference.openapi, "This description", {200: None}),
    _get("/health", health.health, "State of the service and its dependencies", {200: a.Health}),
    _get(
        PIPELINE,
        pipeline_health.pipeline,
        "The last verdict on the pipeline (?format=badge, ?fail_on=warn)",
        {200: p.PipelineHealth, 304: None, 503: p.PipelineHealth},
    ),
    _get(
        f"{PIPELINE}/history",
        pipeline_health.history,
        "Past probes, for charts",
        {200: p.PipelineHistory},
        E.STORE_UNAVAILABLE,
    ),
    Route(
        method="POST",
        path=f"{PIPELINE}/run",
        handle=pipeline_health.run,
        summary="Operators: probe the pipeline now",
        answers={202: p.WantedRun},
        fails=(E.UNAUTHENTICATED, E.FORBIDDEN, E.RATE_LIMITED, E.STORE_UNAVAILABLE),
        admin=True,
    ),
    _get("/livez", health.livez, "The process answers", {200: a.Alive}),
    _get("/readyz", health.readyz, "The process takes requests", {200: a.Alive}, E.NOT_READY),
    _get("/metrics", health.metrics, "Figures for Prometheus", {200: None}),
)
