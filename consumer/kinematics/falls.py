"""Fast ways down, with the hands off: whether somebody fell or jumped cannot be told from the hips."""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.sightings import Sightings
from consumer.kinematics.track import Track, runs

# torso lengths, and torso lengths a second: a free fall of one torso length ends at 6.5 torso lengths a second
MIN_DEPTH = 1.0
MIN_SPEED = 3.0
EDGE_SPEED = 1.0
# a hand that stays this near its place holds: the hips swing, they do not fall
HELD_RADIUS = 0.3


@dataclass(frozen=True, kw_only=True)
class Fall:
    """From `start` to `end` (samples) the hips go down at once by `depth` torso lengths, at most `speed` a second."""

    start: int
    end: int
    depth: float
    speed: float


def falls(seen: Sightings, track: Track) -> list[Fall]:
    """Every fast way down of at least MIN_DEPTH with no hand on the wall, from where it starts to where it ends."""
    found: list[Fall] = []
    down = -track.velocity[:, 1]
    for first, last in runs(np.nan_to_num(down) > EDGE_SPEED):
        inside = slice(first, last + 1)
        if np.ptp(track.piece[inside]) or track.piece[first] < 0:
            continue
        depth = float(track.hip[first, 1] - track.hip[last, 1])
        speed = float(np.nanmax(down[inside]))
        if depth >= MIN_DEPTH and speed >= MIN_SPEED and not _holds_on(seen, track, first, last):
            found.append(Fall(start=first, end=last, depth=depth, speed=speed))
    return found


def _holds_on(seen: Sightings, track: Track, first: int, last: int) -> bool:
    """True when a hand that was seen all the way down stayed in its place."""
    places = seen.wrists[first : last + 1] / track.unit
    places = places[np.isfinite(places).all(axis=(1, 2))]
    if len(places) < 2:
        return False
    spread = np.hypot(*np.moveaxis(np.ptp(places, axis=0), -1, 0))
    return bool(spread.min() <= HELD_RADIUS)


def split_at(stretches: list[tuple[int, int]], down: list[Fall]) -> list[tuple[int, int]]:
    """The stretches, cut where a fall starts and taken up again where it has ended."""
    result: list[tuple[int, int]] = []
    for first, last in stretches:
        begin = first
        for fall in down:
            if begin <= fall.start <= last:
                if fall.start > begin:
                    result.append((begin, fall.start))
                begin = fall.end
        if begin < last:
            result.append((begin, last))
    return result
