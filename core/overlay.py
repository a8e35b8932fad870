"""The drawing on the video: a measurement as the three overlay elements that the frontend draws.

Its drawing code hides an element whose time, x or time_start is exactly 0, so nothing here is ever 0.
"""

from itertools import groupby
from typing import Any, Final

from core.result import Event, Measurement, Segment, TrackPoint

# what the frontend takes for "not there" is 0; this is a hundredth of a second or of a pixel
NEVER_ZERO: Final = 0.01
LINE_STYLE: Final = {"color": "#00BFFF", "thickness": 3, "opacity": 0.9}
MARKER_STYLE: Final = {"color": "#FFD400", "size": 10, "opacity": 0.9}
SEGMENT_COLOURS: Final = {"hesitation": "#FFA500", "rest": "#7FB2FF", "attempt": "#00FF00"}
# a longer pause in the track is a new line
LINE_GAP_S: Final = 0.75

_SIDES: Final = ("left", "right")
BONES: Final[tuple[tuple[str, str], ...]] = (
    ("left_shoulder", "right_shoulder"),
    ("left_hip", "right_hip"),
    *(
        (f"{side}_{a}", f"{side}_{b}")
        for side in _SIDES
        for a, b in (
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("wrist", "fingers"),
            ("shoulder", "hip"),
            ("hip", "knee"),
            ("knee", "ankle"),
            ("ankle", "toes"),
        )
    ),
)

Element = dict[str, Any]


def overlay_elements(measurement: Measurement) -> list[Element]:
    """The elements in displayed pixels and seconds: hip line while on the wall, hand placements, segments."""
    width, height = measurement.video.width, measurement.video.height
    lines = [_line(points, width, height) for points in _lines(measurement)]
    placements = [event for event in measurement.events if event.kind == "placement"]
    markers = [_marker(event, width, height) for event in placements if event.x is not None and event.y is not None]
    return [*lines, *markers, *(_segment(segment) for segment in measurement.segments)]


def overlay_skeletons(measurement: Measurement) -> list[Element]:
    """The climber's body in the kept frames: `frame_id`, `time`, `joints` {name: {x, y, confidence}} in displayed
    pixels, and `bones`, the pairs of names to join.
    """
    width, height = measurement.video.width, measurement.video.height
    return [
        {
            "frame_id": skeleton.frame_id,
            "time": _seen(skeleton.t),
            "joints": {
                joint.name: {
                    "x": round(joint.x * width, 1),
                    "y": round(joint.y * height, 1),
                    "confidence": joint.confidence,
                }
                for joint in skeleton.joints
            },
            "bones": [list(bone) for bone in BONES],
        }
        for skeleton in measurement.skeletons
    ]


def _lines(measurement: Measurement) -> list[list[TrackPoint]]:
    """The track on the wall, cut into unbroken lines of at least two points."""
    walls = [phase for phase in measurement.phases if phase.kind == "on_wall"]
    numbered: list[tuple[int, TrackPoint]] = []
    number, last = 0, None
    for point in measurement.track:
        inside = next((i for i, phase in enumerate(walls) if phase.t0 <= point.t <= phase.t1), None)
        if inside is None:
            continue
        if last is not None and (inside != last[0] or point.t - last[1] > LINE_GAP_S):
            number += 1
        last = (inside, point.t)
        numbered.append((number, point))
    lines = [[point for _, point in group] for _, group in groupby(numbered, key=lambda pair: pair[0])]
    return [line for line in lines if len(line) > 1]


def _line(points: list[TrackPoint], width: int, height: int) -> Element:
    placed = [{"x": _seen(p.x * width), "y": _seen(p.y * height), "time": _seen(p.t)} for p in points]
    return {"type": "ideal_route_line", "points": placed, "style": dict(LINE_STYLE)}


def _marker(event: Event, width: int, height: int) -> Element:
    return {
        "type": "hold_marker",
        "x": _seen((event.x or 0) * width),
        "y": _seen((event.y or 0) * height),
        "time": _seen(event.t),
        "hold_type": "hand_placement",
        "style": dict(MARKER_STYLE),
    }


def _segment(segment: Segment) -> Element:
    kind = segment.label.split("_")[0]
    return {
        "type": "performance_marker",
        "time_start": _seen(segment.t0),
        "time_end": _seen(segment.t1),
        "score": segment.score,
        "issue": segment.label if kind == "hesitation" else None,
        "style": {"color": SEGMENT_COLOURS.get(kind, "#FFFFFF"), "size": 20, "position": "top"},
    }


def _seen(value: float) -> float:
    return max(NEVER_ZERO, round(value, 3))
