"""The fields that the old frontend reads, filled from what was measured or said by the model; else null or empty.

Pure: a stored result in, fields out. Nothing here has a default score, grade, count or confidence.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from core.overlay import overlay_elements, overlay_skeletons
from core.record import Language
from core.result import Measurement, MetricName, ModelBlock, Sport, StoredResult
from service.answers import video_path
from service.insights import Insight, insights

SURE_ENOUGH = 0.6


class Old(BaseModel):
    model_config = ConfigDict(frozen=True)


class RoutePoint(Old):
    """A measured hand placement, in displayed pixels."""

    time: float
    x: float
    y: float
    hold_type: str
    source: Literal["measured"] = "measured"


class PerformanceSegment(Old):
    """`score` 0..1."""

    time_start: float
    time_end: float
    score: float | None
    issue: str | None


class RouteAnalysis(Old):
    """`overall_score` 0..100; `total_moves` are measured hand placements."""

    route_detected: bool
    difficulty_estimated: str | None
    total_moves: int | None
    ideal_route: tuple[RoutePoint, ...]
    performance_segments: tuple[PerformanceSegment, ...]
    key_insights: tuple[str, ...]
    recommendations: tuple[str, ...]
    overall_score: float | None


class KeyMetric(Old):
    status: Literal["good", "needs_improvement", "not_analyzed"]
    value: float | None


class SportAnalysis(Old):
    sport_type: Sport
    difficulty_grade: str | None
    key_metrics: dict[str, KeyMetric]
    safety_considerations: tuple[str, ...]
    training_recommendations: tuple[str, ...]


class Dimensions(Old):
    width: int
    height: int


class OverlayData(Old):
    """`skeletons`: the body in the kept frames, as core.overlay.overlay_skeletons says."""

    has_overlay: bool
    elements: tuple[dict[str, JsonValue], ...]
    skeletons: tuple[dict[str, JsonValue], ...]
    video_dimensions: Dimensions
    total_duration: float


class Summary(Old):
    analyzers_used: tuple[str, ...]
    total_insights: int
    recommendations_count: int
    overall_score: float | None


class Metadata(Old):
    """`analysis_type` is the method; `timestamp` when the analysis was completed."""

    analysis_type: str
    timestamp: str


class OldFields(Old):
    """Scores are 0..100 but for `overall_performance_score`, which is 0..1 as `ai_confidence` is."""

    id: str
    sport_type: Sport
    analyzer_type: str
    video_url: str
    overall_performance_score: float | None
    performance_score: float | None
    ai_confidence: float | None
    comprehensive_insights: tuple[Insight, ...]
    unified_recommendations: tuple[str, ...]
    recommendations: tuple[str, ...]
    route_analysis: RouteAnalysis
    performance_segments: tuple[PerformanceSegment, ...]
    sport_specific_analysis: SportAnalysis
    analysis_summary: Summary
    difficulty_estimated: str | None
    has_route_overlay: bool
    overlay_data: OverlayData
    metadata: Metadata


def old_fields(stored: StoredResult, language: Language) -> OldFields:
    measured, model = stored.measurement, stored.model
    score = measured.economy.value if measured.economy else None
    told = insights(measured, model, language)
    tips = _claims(model, "tip")
    overlay = overlay_data(measured)
    route = _route(measured, overlay, told=told, tips=tips, grade=grade(model))
    return OldFields(
        id=stored.analysis_id,
        sport_type=stored.sport_type,
        analyzer_type=measured.analyzer,
        video_url=video_path(stored.analysis_id),
        overall_performance_score=None if score is None else round(score / 100, 4),
        performance_score=score,
        ai_confidence=measured.quality.confidence,
        comprehensive_insights=told,
        unified_recommendations=tips,
        recommendations=tips,
        route_analysis=route,
        performance_segments=route.performance_segments,
        sport_specific_analysis=SportAnalysis(
            sport_type=stored.sport_type,
            difficulty_grade=grade(model),
            key_metrics=key_metrics(measured),
            safety_considerations=_claims(model, "risk"),
            training_recommendations=tips,
        ),
        analysis_summary=Summary(
            analyzers_used=(measured.analyzer, *([model.snapshot] if model else [])),
            total_insights=len(told),
            recommendations_count=len(tips),
            overall_score=score,
        ),
        difficulty_estimated=grade(model),
        has_route_overlay=overlay.has_overlay,
        overlay_data=overlay,
        metadata=Metadata(analysis_type=measured.quality.method, timestamp=stored.completed_at),
    )


def overlay_data(measured: Measurement) -> OverlayData:
    elements = tuple(overlay_elements(measured))
    return OverlayData(
        has_overlay=bool(elements),
        elements=elements,
        skeletons=tuple(overlay_skeletons(measured)),
        video_dimensions=Dimensions(width=measured.video.width, height=measured.video.height),
        total_duration=measured.video.duration_s,
    )


def grade(model: ModelBlock | None) -> str | None:
    """What the model said, its range kept; the kinematics know of no grades."""
    if model is None or model.difficulty is None:
        return None
    said = model.difficulty
    return said.low if said.low == said.high else f"{said.low} - {said.high}"


def total_moves(measured: Measurement) -> int | None:
    value = _value(measured, "hand_placements")
    return None if value is None else round(value)


def key_metrics(measured: Measurement) -> dict[str, KeyMetric]:
    """Only what one can call good without doubt: feet that stay on. Unknown and uncertain are `not_analyzed`.
    Hesitations are shown and not judged (sources disagree), and nobody has calibrated the economy index."""
    cuts = _sure_value(measured, "cut_feet")
    return {"cut_feet": _judged(cuts, good=cuts == 0)}


def _judged(value: float | None, *, good: bool) -> KeyMetric:
    if value is None:
        return KeyMetric(status="not_analyzed", value=None)
    return KeyMetric(status="good" if good else "needs_improvement", value=round(value, 3))


def _route(
    measured: Measurement, overlay: OverlayData, *, told: tuple[Insight, ...], tips: tuple[str, ...], grade: str | None
) -> RouteAnalysis:
    """Places and segments are those that are drawn, so a marker and its list entry always agree."""
    drawn: list[dict[str, Any]] = list(overlay.elements)
    points = tuple(RoutePoint.model_validate(element) for element in drawn if element["type"] == "hold_marker")
    return RouteAnalysis(
        route_detected=bool(points),
        difficulty_estimated=grade,
        total_moves=total_moves(measured),
        ideal_route=tuple(sorted(points, key=lambda point: point.time)),
        performance_segments=tuple(
            PerformanceSegment.model_validate(element) for element in drawn if element["type"] == "performance_marker"
        ),
        key_insights=tuple(insight.message for insight in told if insight.priority != "low"),
        recommendations=tips,
        overall_score=measured.economy.value if measured.economy else None,
    )


def _claims(model: ModelBlock | None, kind: Literal["tip", "risk"]) -> tuple[str, ...]:
    return tuple(claim.text for claim in model.claims if claim.kind == kind) if model else ()


def _value(measured: Measurement, name: MetricName) -> float | None:
    metric = measured.metrics.get(name)
    return None if metric is None else metric.value


def _sure_value(measured: Measurement, name: MetricName) -> float | None:
    metric = measured.metrics.get(name)
    return None if metric is None or metric.confidence < SURE_ENOUGH else metric.value
