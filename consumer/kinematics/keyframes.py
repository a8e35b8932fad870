"""Which pictures are worth keeping: start, placements, longest hesitations, biggest drop, end; or evenly spaced."""

from typing import Literal

import numpy as np

from consumer.kinematics.findings import Findings
from consumer.media.facts import Moment, even_times
from core.result import Event, Frame

MAX_FRAMES = 12
# two moments nearer than this are one picture
APART_S = 0.4
# an event belongs to a frame this near
BESIDE_S = 0.25
HESITATIONS = 3


def moments(found: Findings, events: tuple[Event, ...], duration: float) -> tuple[Moment, ...]:
    """The moments to keep, in time order, at most MAX_FRAMES; evenly spaced ones where there was no climb."""
    if not found.climbs.attempts:
        return even_times(duration)
    t = found.track.t
    start, end = found.climbs.attempts[0][0], found.climbs.attempts[-1][1]
    first = [
        Moment(t=float(t[start]), why="start", sharpest=True),
        Moment(t=float(t[end]), why="end", sharpest=True),
        *_biggest_drop(found),
        *_longest(events, "hesitation", HESITATIONS),
        *_longest(events, "rest", 1),
    ]
    kept: list[Moment] = []
    for moment in [*first, *_spread(_placements(events), MAX_FRAMES - len(first))]:
        if all(abs(moment.t - other.t) >= APART_S for other in kept):
            kept.append(moment)
    return tuple(sorted(kept, key=lambda moment: moment.t))


def _biggest_drop(found: Findings) -> list[Moment]:
    """The start of the way down that went deepest."""
    deepest = max(found.climbs.falls, key=lambda fall: fall.depth, default=None)
    return [] if deepest is None else [Moment(t=float(found.track.t[deepest.start]), why="drop", sharpest=True)]


def _longest(events: tuple[Event, ...], kind: Literal["hesitation", "rest"], most: int) -> list[Moment]:
    """The middles of the longest ones of a kind."""
    ordered = sorted((event for event in events if event.kind == kind), key=_length, reverse=True)
    return [Moment(t=_middle(event), why=kind, sharpest=True) for event in ordered[:most]]


def _placements(events: tuple[Event, ...]) -> list[Moment]:
    return [Moment(t=event.t, why="placement", sharpest=True) for event in events if event.kind == "placement"]


def _spread(moments: list[Moment], most: int) -> list[Moment]:
    """At most `most` of them, spread over their order."""
    if len(moments) <= most:
        return moments
    return [moments[i] for i in np.unique(np.linspace(0, len(moments) - 1, most).astype(int))]


def _length(event: Event) -> float:
    return (event.t1 or event.t) - event.t


def _middle(event: Event) -> float:
    return (event.t + (event.t1 or event.t)) / 2


def beside(events: tuple[Event, ...], frames: tuple[Frame, ...]) -> tuple[Event, ...]:
    """The events, each with the id of the frame that shows it, if one was kept."""
    told = []
    for event in events:
        until = event.t1 or event.t
        near = [frame for frame in frames if event.t - BESIDE_S <= frame.t <= until + BESIDE_S]
        best = min(near, key=lambda frame: abs(frame.t - event.t), default=None)
        told.append(event if best is None else event.model_copy(update={"frame_id": best.id}))
    return tuple(told)
