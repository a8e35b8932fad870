"""Findings told in the result's words: events, segments and the track."""

from typing import Final, Literal

import numpy as np

from consumer.kinematics.camera import apply, invert
from consumer.kinematics.falls import Fall
from consumer.kinematics.findings import Findings
from consumer.kinematics.placements import Dwell
from consumer.kinematics.sightings import Array
from consumer.kinematics.stops import STILL_SPEED, Stop
from consumer.kinematics.track import runs
from core.result import Event, EventKind, MetricName, Segment, TrackPoint

Limb = Literal["left_hand", "right_hand", "left_foot", "right_foot"]

HANDS: Final[tuple[Literal["left_hand", "right_hand"], ...]] = ("left_hand", "right_hand")
FEET: Final[tuple[Literal["left_foot", "right_foot"], ...]] = ("left_foot", "right_foot")
# after landing, and how far the shoulders must be above the hips to call it standing
LANDING_S = 1.0
UPRIGHT = 0.5
MIN_ACTIVITY_S = 1.0

ATTEMPT: Final[tuple[MetricName, ...]] = ("on_wall_s", "height_gain", "path_length", "gie")


def events(found: Findings, aspect: float) -> tuple[Event, ...]:
    """Everything that happened on the wall, in time order; `aspect` is the picture's width over its height."""
    told = [
        *_placements(found, aspect),
        *(_stop(found, "rest", stop) for stop in found.rests),
        *(_stop(found, "hesitation", stop) for stop in found.hesitations),
        *_feet(found, aspect),
        *(_fall(found, fall) for fall in found.climbs.falls),
    ]
    return tuple(sorted(told, key=lambda event: (event.t, event.kind)))


def _placements(found: Findings, aspect: float) -> list[Event]:
    fingers = found.seen.fingers
    return [
        _put(found, "placement", HANDS[dwell.hand], dwell, fingers[:, dwell.hand], aspect)
        for dwell in found.dwells
        if dwell.new
    ]


def _put(found: Findings, kind: EventKind, limb: Limb, dwell: Dwell, places: Array, aspect: float) -> Event:
    x, y = _in_picture(found, dwell, places, aspect)
    t, t1 = (_time(found, k) for k in (dwell.first, dwell.last))
    return Event(kind=kind, t=t, t1=t1, limb=limb, x=x, y=y, confidence=round(dwell.trust, 3))


def _in_picture(found: Findings, dwell: Dwell, places: Array, aspect: float) -> tuple[float, float]:
    """Where the limb (its `places` (N, 2) on the wall) rests, 0..1 of the picture at the dwell's beginning."""
    wall = np.nanmedian(places[dwell.first : dwell.last + 1], axis=0)
    x, y = apply(invert(found.seen.to_wall[dwell.first]), wall) / (aspect, 1)
    return _inside(float(x)), _inside(float(y))


def _stop(found: Findings, kind: EventKind, stop: Stop) -> Event:
    x, y = found.seen.picture[stop.first]
    sure = float(found.seen.trust[stop.first : stop.last + 1].mean())
    return Event(
        kind=kind,
        t=_time(found, stop.first),
        t1=_time(found, stop.last),
        x=_inside(float(x)) if np.isfinite(x) else None,
        y=_inside(float(y)) if np.isfinite(y) else None,
        confidence=round(sure, 3),
    )


def _feet(found: Findings, aspect: float) -> list[Event]:
    """Cut feet and high steps; of a small climber neither: his feet are guesses."""
    if "SMALL_CLIMBER" in found.ground.codes:
        return []
    cuts = [
        Event(kind="cut_feet", t=_time(found, c.first), t1=_time(found, c.last), confidence=round(c.trust, 3))
        for c in found.cuts
    ]
    ankles = found.seen.ankles
    steps = [_put(found, "high_step", FEET[s.hand], s, ankles[:, s.hand], aspect) for s in found.steps]
    return cuts + steps


def _fall(found: Findings, fall: Fall) -> Event:
    """A `drop` says that he came off; a `fall`, that he did not land on his feet."""
    seen = found.seen
    after = (seen.t >= seen.t[fall.end]) & (seen.t <= seen.t[fall.end] + LANDING_S) & seen.seen
    upright = (seen.hip[after, 1] - seen.shoulder[after, 1]) / found.track.unit
    lies = found.ground.method == "pose" and bool(len(upright)) and float(np.median(upright)) < UPRIGHT
    return _stop(found, "fall" if lies else "drop", Stop(first=fall.start, last=fall.end))


def segments(found: Findings, *, climb: bool) -> tuple[Segment, ...]:
    """Attempts, rests and hesitations of a climb; moving and still of anything else. No segment has a score."""
    if found.ground.method == "insufficient":
        return ()
    if not climb:
        return tuple(_activity(found))
    told = [
        Segment(t0=_time(found, first), t1=_time(found, last), label=f"attempt_{number}", evidence=ATTEMPT)
        for number, (first, last) in enumerate(found.climbs.attempts, 1)
    ]
    told += [_of_stop(found, stop, "rest", ("rests", "still_share")) for stop in found.rests]
    told += [_of_stop(found, stop, "hesitation", ("hesitation_s",)) for stop in found.hesitations]
    return tuple(sorted(told, key=lambda segment: (segment.t0, -segment.t1)))


def _of_stop(found: Findings, stop: Stop, label: str, evidence: tuple[MetricName, ...]) -> Segment:
    return Segment(t0=_time(found, stop.first), t1=_time(found, stop.last), label=label, evidence=evidence)


def _activity(found: Findings) -> list[Segment]:
    speed, t = found.track.speed, found.track.t
    told = []
    for label, flags in (("moving", speed >= STILL_SPEED), ("still", speed < STILL_SPEED)):
        for first, last in runs(flags):
            if t[last] - t[first] >= MIN_ACTIVITY_S:
                times = {"t0": _time(found, first), "t1": _time(found, last)}
                told.append(Segment(label=label, evidence=("speed_p50",), **times))
    return sorted(told, key=lambda segment: segment.t0)


def track_points(found: Findings, aspect: float) -> tuple[TrackPoint, ...]:
    """The hip path where it was measured; `aspect` is the picture's width over its height."""
    if found.ground.method == "insufficient":
        return ()
    seen, track = found.seen, found.track
    told = []
    for k in np.flatnonzero(seen.seen & (track.piece >= 0)):
        wall = track.hip[k] * track.unit * (1, -1)
        x, y = apply(invert(seen.to_wall[k]), wall) / (aspect, 1)
        wall_x, wall_y = wall / (aspect, 1)
        told.append(
            TrackPoint(
                t=_time(found, int(k)),
                x=_inside(float(x)),
                y=_inside(float(y)),
                wall_x=round(float(wall_x), 4),
                wall_y=round(float(wall_y), 4),
                torso=round(float(seen.torso[k]), 4),
                confidence=round(float(seen.trust[k]), 3),
            )
        )
    return tuple(told)


def _time(found: Findings, k: int) -> float:
    return round(float(found.track.t[k]), 3)


def _inside(share: float) -> float:
    return round(min(1.0, max(0.0, share)), 4)
