"""AnalysisResult as it goes out: the stored blocks, the frames' addresses, and the old frontend's fields."""

from collections.abc import Mapping
from typing import Literal

from core.record import Language
from core.result import (
    CameraPoint,
    Economy,
    Event,
    Frame,
    Metric,
    MetricName,
    ModelBlock,
    Phase,
    Quality,
    Segment,
    StoredResult,
    Timing,
    TrackPoint,
    Video,
)
from service.old_fields import OldFields, old_fields


class AnalysisResult(OldFields):
    schema_version: Literal[1]
    analysis_id: str
    status: Literal["completed"] = "completed"
    quality: Quality
    video: Video
    poster_url: str | None
    frames: tuple[Frame, ...]
    phases: tuple[Phase, ...]
    metrics: dict[MetricName, Metric]
    track: tuple[TrackPoint, ...]
    events: tuple[Event, ...]
    segments: tuple[Segment, ...]
    economy: Economy | None
    camera_path: tuple[CameraPoint, ...]
    model: ModelBlock | None
    timing: Timing


def analysis_result(
    stored: StoredResult, addresses: Mapping[str, str], language: Language, *, poster: str | None = None
) -> AnalysisResult:
    """`addresses` by frame id; `poster`: the address of the clip's first picture, where there is one."""
    measured = stored.measurement
    return AnalysisResult(
        **dict(old_fields(stored, language)),
        schema_version=stored.schema_version,
        analysis_id=stored.analysis_id,
        quality=measured.quality,
        video=measured.video,
        poster_url=poster,
        frames=tuple(frame.model_copy(update={"url": addresses.get(frame.id)}) for frame in measured.frames),
        phases=measured.phases,
        metrics=measured.metrics,
        track=measured.track,
        events=measured.events,
        segments=measured.segments,
        economy=measured.economy,
        camera_path=measured.camera_path,
        model=stored.model,
        timing=stored.timing,
    )
