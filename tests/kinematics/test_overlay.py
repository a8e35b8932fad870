import re
from typing import Any, get_args

import pytest

from core.notices import codes, notice
from core.overlay import overlay_elements, overlay_skeletons
from core.result import (
    Event,
    Joint,
    JointName,
    Measurement,
    Phase,
    Quality,
    Segment,
    Skeleton,
    TrackPoint,
    Video,
)


def measurement(*, phases: tuple[Phase, ...] = (Phase(kind="on_wall", t0=0, t1=4),)) -> Measurement:
    """A climb that begins at time 0 in the picture's upper left corner: every zero that could be."""
    return Measurement(
        analyzer="test",
        quality=Quality(method="pose", confidence=1, pose_rate=1, camera="static", fps=30, climber_height_px=300),
        video=Video(duration_s=4, fps=30, width=720, height=1280, codec="h264", container="mp4", bytes=1, sha256=""),
        frames=(),
        phases=phases,
        metrics={},
        track=tuple(TrackPoint(t=k / 10, x=0, y=k / 40, torso=0.1, confidence=1) for k in range(40)),
        events=(Event(kind="placement", t=0, limb="left_hand", x=0, y=0, confidence=1),),
        segments=(
            Segment(t0=0, t1=4, label="attempt_1"),
            Segment(t0=1, t1=3, label="hesitation"),
        ),
    )


def numbers(value: Any) -> list[float]:
    """Every number inside an element, its style aside."""
    if isinstance(value, dict):
        return [n for key, inner in value.items() if key != "style" for n in numbers(inner)]
    if isinstance(value, list):
        return [n for inner in value for n in numbers(inner)]
    return [value] if isinstance(value, int | float) else []


def test_nothing_that_the_drawing_code_reads_is_ever_zero() -> None:
    elements = overlay_elements(measurement())
    assert min(numbers(elements)) == 0.01


def test_the_three_types_with_their_fields() -> None:
    elements = overlay_elements(measurement())
    by_type = {element["type"]: set(element) for element in elements}
    assert by_type == {
        "ideal_route_line": {"type", "points", "style"},
        "hold_marker": {"type", "x", "y", "time", "hold_type", "style"},
        "performance_marker": {"type", "time_start", "time_end", "score", "issue", "style"},
    }


def test_places_are_displayed_pixels() -> None:
    (line,) = [element for element in overlay_elements(measurement()) if element["type"] == "ideal_route_line"]
    assert line["points"][20] == {"x": 0.01, "y": pytest.approx(640), "time": pytest.approx(2)}


def test_the_line_is_drawn_on_the_wall_only_and_breaks_between_attempts() -> None:
    walls = (
        Phase(kind="ground", t0=0, t1=1),
        Phase(kind="on_wall", t0=1, t1=2),
        Phase(kind="ground", t0=2, t1=3),
        Phase(kind="on_wall", t0=3, t1=4),
    )
    lines = [e for e in overlay_elements(measurement(phases=walls)) if e["type"] == "ideal_route_line"]
    assert [(line["points"][0]["time"], line["points"][-1]["time"]) for line in lines] == [(1, 2), (3, 3.9)]


def test_a_segment_without_a_score_has_none() -> None:
    markers = [e for e in overlay_elements(measurement()) if e["type"] == "performance_marker"]
    assert [(m["score"], m["issue"]) for m in markers] == [(None, None), (None, "hesitation")]


def test_every_notice_speaks_both_languages() -> None:
    assert len(codes()) > 10
    for code in codes():
        english, german = notice(code, "en"), notice(code, "de")
        assert english.code == german.code == code
        assert english.message
        assert german.message
        assert english.message != german.message


OF_CLIMBS = {"NO_CLIMB_SEEN", "TOO_SHORT_A_CLIMB"}
CLIMBING = re.compile(r"climb|route|\bwall|boulder|kletter|griff|\bwand\b", re.IGNORECASE)


@pytest.mark.parametrize("code", [code for code in codes() if code not in OF_CLIMBS])
def test_what_is_told_of_every_sport_has_no_climbing_words(code: str) -> None:
    assert not CLIMBING.search(notice(code, "en").message)
    assert not CLIMBING.search(notice(code, "de").message)


@pytest.mark.parametrize("code", ["NO_CLIMBER", "CAMERA_MOVED", "CAMERA_LOST", "POSE_TOO_RARE", "SMALL_CLIMBER"])
def test_what_keeps_us_from_measuring_comes_with_advice(code: str) -> None:
    """What was seen, and in a sentence of its own what to do."""
    assert notice(code, "en").message.count(".") >= 2
    assert notice(code, "de").message.count(".") >= 2


def test_an_unknown_notice_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        notice("NO_SUCH_CODE")


def test_the_body_in_a_kept_frame_is_told_in_displayed_pixels_with_its_bones() -> None:
    joints = tuple(Joint(name=name, x=0.5, y=0.25, confidence=0.9) for name in get_args(JointName))
    skeleton = Skeleton(frame_id="f00", t=0.0, joints=joints)
    (told,) = overlay_skeletons(measurement().model_copy(update={"skeletons": (skeleton,)}))
    assert told["frame_id"] == "f00"
    assert told["time"] == 0.01
    assert told["joints"]["left_wrist"] == {"x": 360, "y": 320, "confidence": 0.9}
    assert {name for bone in told["bones"] for name in bone} == set(told["joints"]) - {"nose"}


def test_a_measurement_of_before_the_skeletons_can_still_be_read() -> None:
    old = measurement().model_dump(exclude={"skeletons", "camera_path"})
    assert Measurement.model_validate(old).skeletons == ()
