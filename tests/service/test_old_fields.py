"""The old page's fields, from plain values: measured, said by the model, or null."""

import pytest

from core.result import StoredResult
from service.old_fields import old_fields
from tests.service.sample import MODEL, measured, unmeasured

ID = "9b2f6f6e-0000-4000-8000-000000000001"


def test_a_measured_climb() -> None:
    old = old_fields(measured(ID), "en")
    assert (old.id, old.sport_type, old.video_url) == (ID, "bouldering", f"/videos/{ID}")
    assert old.analyzer_type == "kinematics-v1"
    assert (old.performance_score, old.overall_performance_score) == (72.5, 0.725)
    assert old.route_analysis.overall_score == old.analysis_summary.overall_score == 72.5
    assert old.ai_confidence == 0.82
    assert old.route_analysis.total_moves == 14
    assert old.route_analysis.route_detected
    assert old.metadata.model_dump() == {"analysis_type": "pose", "timestamp": "2026-11-24T12:01:00.000Z"}
    assert old.overlay_data.video_dimensions.model_dump() == {"width": 1080, "height": 1920}
    assert old.overlay_data.total_duration == 31.5
    assert old.has_route_overlay is True


def test_places_are_in_pixels_in_time_order_and_never_zero() -> None:
    points = old_fields(measured(ID), "en").route_analysis.ideal_route
    assert [(point.time, point.x, point.y) for point in points] == [(0.01, 0.01, 480.0), (3.0, 540.0, 240.0)]
    assert {(point.hold_type, point.source) for point in points} == {("hand_placement", "measured")}


def test_segments() -> None:
    old = old_fields(measured(ID), "en")
    assert [(s.time_start, s.time_end, s.score, s.issue) for s in old.performance_segments] == [
        (0.01, 25.0, None, None),
        (5.0, 7.0, None, "hesitation"),
    ]
    assert old.route_analysis.performance_segments == old.performance_segments


def test_insights_say_what_was_measured() -> None:
    told = old_fields(measured(ID), "en").comprehensive_insights
    assert [insight.message for insight in told] == [
        "Movement economy: 72 of 100.",
        "25.0 s on the wall.",
        "4.2 torso lengths of height gained.",
        "Hand placements: 14.",
        "Still for 0% of the time on the wall.",
        "2.0 s of hesitation.",
        "Hesitation at 5.0 s.",
        "Feet cut loose at 9.0 s.",
    ]
    german = old_fields(measured(ID), "de").comprehensive_insights
    assert german[1].message == "25,0 s an der Wand."
    assert len(german) == len(told)


def test_only_what_has_a_yardstick_is_judged() -> None:
    metrics = old_fields(measured(ID), "en").sport_specific_analysis.key_metrics
    assert {name: (metric.status, metric.value) for name, metric in metrics.items()} == {
        "cut_feet": ("needs_improvement", 1.0),
    }


def test_an_uncertain_number_is_not_judged() -> None:
    stored = measured(ID)
    cuts = stored.measurement.metrics["cut_feet"].model_copy(update={"confidence": 0.59})
    metrics = {**stored.measurement.metrics, "cut_feet": cuts}
    unsure = stored.model_copy(update={"measurement": stored.measurement.model_copy(update={"metrics": metrics})})
    assert old_fields(unsure, "en").sport_specific_analysis.key_metrics["cut_feet"].status == "not_analyzed"


def test_without_a_model_nobody_advises_or_grades() -> None:
    old = old_fields(measured(ID), "en")
    assert old.recommendations == old.unified_recommendations == old.route_analysis.recommendations == ()
    assert old.sport_specific_analysis.training_recommendations == ()
    assert old.sport_specific_analysis.safety_considerations == ()
    assert old.difficulty_estimated is None
    assert old.analysis_summary.recommendations_count == 0


def test_the_model_adds_and_overwrites_nothing() -> None:
    bare, said = old_fields(measured(ID), "en"), old_fields(measured(ID, model=MODEL), "en")
    assert said.recommendations == ("Straighten the arms while resting.",)
    assert said.sport_specific_analysis.safety_considerations == ("No spotter is to be seen.",)
    assert said.difficulty_estimated == said.route_analysis.difficulty_estimated == "6a - 6b"
    assert said.sport_specific_analysis.difficulty_grade == "6a - 6b"
    assert said.analysis_summary.analyzers_used == ("kinematics-v1", "vision-2026-10-01")
    assert said.comprehensive_insights[: len(bare.comprehensive_insights)] == bare.comprehensive_insights
    claims = said.comprehensive_insights[len(bare.comprehensive_insights) :]
    assert [(claim.level, claim.priority, claim.category) for claim in claims] == [
        ("info", "medium", "model"),
        ("info", "medium", "model"),
        ("warning", "high", "model"),
    ]
    for field in ("performance_score", "ai_confidence", "performance_segments", "overlay_data"):
        assert getattr(said, field) == getattr(bare, field)


def test_one_grade_is_one_grade() -> None:
    assert MODEL.difficulty is not None
    difficulty = MODEL.difficulty.model_copy(update={"high": "6a"})
    sure = measured(ID, model=MODEL.model_copy(update={"difficulty": difficulty}))
    assert old_fields(sure, "en").difficulty_estimated == "6a"


@pytest.mark.parametrize("stored", [unmeasured(ID)])
def test_nothing_is_invented(stored: StoredResult) -> None:
    old = old_fields(stored, "de")
    for score in (
        old.performance_score,
        old.overall_performance_score,
        old.route_analysis.overall_score,
        old.route_analysis.total_moves,
        old.route_analysis.difficulty_estimated,
        old.sport_specific_analysis.difficulty_grade,
    ):
        assert score is None
    assert old.ai_confidence == 0.0
    assert not old.route_analysis.route_detected
    assert not old.overlay_data.has_overlay
    assert (old.route_analysis.ideal_route, old.performance_segments) == ((), ())
    assert {metric.status for metric in old.sport_specific_analysis.key_metrics.values()} == {"not_analyzed"}
    (only,) = old.comprehensive_insights
    assert (only.category, only.level, only.priority) == ("quality", "warning", "high")
    assert "niemand" in only.message
    assert old.route_analysis.key_insights == (only.message,)


def test_a_warning_of_a_newer_version_keeps_its_words() -> None:
    stored = unmeasured(ID)
    quality = stored.measurement.quality
    newer = quality.warnings[0].model_copy(update={"code": "FROM_TOMORROW", "message": "Fog."})
    measurement = stored.measurement.model_copy(update={"quality": quality.model_copy(update={"warnings": (newer,)})})
    (only,) = old_fields(stored.model_copy(update={"measurement": measurement}), "de").comprehensive_insights
    assert only.message == "Fog."
