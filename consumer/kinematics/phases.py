"""The clip in phases without a gap: no_climber, ground, on_wall, off_wall."""

from consumer.kinematics.climbs import Climbs
from consumer.kinematics.sightings import Array, Flags
from consumer.kinematics.track import runs
from core.result import Phase, PhaseKind

# a detector that is late by less than this has not seen an empty wall
MIN_EMPTY_S = 1.0


def phases(t: Array, somebody: Flags, climbs: Climbs, end: float) -> tuple[Phase, ...]:
    """The clip from 0 to `end` (seconds) in phases without a gap."""
    # two attempts with nothing between them (a cut) are two phases
    kinds: list[tuple[PhaseKind, int]] = [("ground", 0)] * len(t)

    def mark(first: int, last: int, kind: PhaseKind, number: int = 0) -> None:
        kinds[first : last + 1] = [(kind, number)] * (last + 1 - first)

    for first, last in runs(~somebody):
        until = float(t[last + 1]) if last + 1 < len(t) else end
        if until - t[first] >= MIN_EMPTY_S or not somebody.any():
            mark(first, last, "no_climber")
    for number, (first, last) in enumerate(climbs.attempts):
        mark(first, last, "on_wall", number)
    for fall in climbs.falls:
        mark(fall.start + 1, fall.end, "off_wall")
    return _told(t, kinds, end)


def _told(t: Array, kinds: list[tuple[PhaseKind, int]], end: float) -> tuple[Phase, ...]:
    result: list[Phase] = []
    starts = [0, *(k for k in range(1, len(kinds)) if kinds[k] != kinds[k - 1])]
    for start, following in zip(starts, [*starts[1:], None], strict=True):
        t0 = 0.0 if start == 0 else float(t[start])
        t1 = end if following is None else float(t[following])
        result.append(Phase(kind=kinds[start][0], t0=round(t0, 3), t1=round(t1, 3)))
    return tuple(result)
