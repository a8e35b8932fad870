"""Where hands come to rest on the wall: dwells of a wrist, and the placements among them."""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.sightings import Array, Flags, Sightings
from consumer.kinematics.track import Track

# a wrist slower than .6 torso lengths a second stays within this in MIN_DWELL_S
DWELL_RADIUS = 0.2
MIN_DWELL_S = 0.35
# from the hand's place before, torso lengths
NEW_PLACE = 0.35
# the model says so of a wrist that it guesses behind the body
MIN_HAND_TRUST = 0.5


@dataclass(frozen=True, kw_only=True)
class Dwell:
    """A hand (0 left, 1 right) at rest from sample `first` to `last`; `place` (2,) torso lengths on the wall.

    `new`: away from the hand's place before. `put`: the hand had left its place before, to come here or back.
    `trust` 0..1 is how well the wrist was seen.
    """

    hand: int
    first: int
    last: int
    place: Array
    trust: float
    new: bool
    put: bool


def dwells(seen: Sightings, track: Track, first: int, last: int) -> list[Dwell]:
    """The dwells of both hands within a stretch on the wall, in time order; the first of a hand is not new."""
    found = [dwell for hand in (0, 1) for dwell in _of_hand(seen, track, hand, first, last)]
    return sorted(found, key=lambda dwell: (dwell.first, dwell.hand))


def _of_hand(seen: Sightings, track: Track, hand: int, first: int, last: int) -> list[Dwell]:
    places = seen.wrists[:, hand] * (1, -1) / track.unit
    trust = seen.hand_trust[:, hand]
    usable = np.isfinite(places).all(axis=1) & (trust >= MIN_HAND_TRUST)
    result: list[Dwell] = []
    start = first
    while start <= last:
        end = _rest_end(places, usable, start, last)
        if end <= start or seen.t[end] - seen.t[start] < MIN_DWELL_S - 1e-6:
            start += 1
            continue
        part = slice(start, end + 1)
        place = np.median(places[part], axis=0)
        way = np.empty(0) if not result else _away(places[result[-1].last : start + 1], result[-1].place)
        new = bool(result) and float(np.hypot(*(place - result[-1].place))) >= NEW_PLACE
        put = new or bool(len(way) and np.nanmax(way, initial=0) >= NEW_PLACE)
        seen_well = float(trust[part].mean())
        result.append(Dwell(hand=hand, first=start, last=end, place=place, trust=seen_well, new=new, put=put))
        start = end + 1
    return result


def _away(places: Array, place: Array) -> Array:
    distance: Array = np.hypot(*(places - place).T)
    return distance


def _rest_end(places: Array, usable: Flags, start: int, last: int) -> int:
    """The last sample to which the wrist stays within DWELL_RADIUS of where it has been since `start`."""
    if not usable[start]:
        return start
    middle, count, end = places[start], 1, start
    for k in range(start + 1, last + 1):
        if not usable[k] or float(np.hypot(*(places[k] - middle))) > DWELL_RADIUS:
            break
        middle = (middle * count + places[k]) / (count + 1)
        count, end = count + 1, k
    return end
