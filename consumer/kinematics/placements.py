"""Where hands come to rest on the wall: dwells of a wrist, and the placements among them."""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.posture import HAND_HEIGHT
from consumer.kinematics.sightings import Array, Flags, Sightings
from consumer.kinematics.track import Track

# a wrist slower than .6 torso lengths a second stays within this in MIN_DWELL_S
DWELL_RADIUS = 0.2
MIN_DWELL_S = 0.35
# after a long reach a shorter stay is enough, as slow: fast climbers hold on for a quarter of a second
QUICK_S = 0.2
QUICK_RADIUS = 0.12
QUICK_REACH = 0.7
# a hand on its way is seen moving in at least two samples
NO_WAY_S = 0.15
# from the hand's place before, torso lengths
NEW_PLACE = 0.35
# the model says so of a wrist that it guesses behind the body
MIN_HAND_TRUST = 0.5
# how long before a climb its start holds are looked for
LEAD_S = 2.0


@dataclass(frozen=True, kw_only=True)
class Dwell:
    """A limb (hand or foot: 0 left, 1 right) at rest from sample `first` to `last`; `place` (2,) torso lengths on the
    wall.

    `new`: away from the limb's place before. `put`: the limb had left its place before, to come here or back.
    `trust` 0..1 is how well the wrist or ankle was seen.
    """

    hand: int
    first: int
    last: int
    place: Array
    trust: float
    new: bool
    put: bool


def dwells(seen: Sightings, track: Track, first: int, last: int) -> list[Dwell]:
    """The dwells of both hands within a stretch on the wall, in time order; the first of a hand is not new.

    Where a raised hand was while he still stood is its place before.
    """
    lead = int(np.searchsorted(seen.t, seen.t[first] - LEAD_S))
    found = []
    for hand in (0, 1):
        trust = seen.hand_trust[:, hand]
        raised = seen.shoulder[:, 1] - seen.wrists[:, hand, 1] >= HAND_HEIGHT * seen.torso
        usable = (trust >= MIN_HAND_TRUST) & (raised | (np.arange(len(trust)) >= first))
        places = seen.wrists[:, hand] * (1, -1) / track.unit
        found += stays(seen.t, places, np.where(usable, trust, 0.0), (lead, last), limb=hand)
    return sorted((one for one in found if one.last >= first), key=lambda dwell: (dwell.first, dwell.hand))


def stays(t: Array, places: Array, trust: Array, stretch: tuple[int, int], *, limb: int) -> list[Dwell]:
    """The dwells of one limb: `places` (N, 2) torso lengths, `trust` (N,), 0 where it was not seen well enough."""
    usable = np.isfinite(places).all(axis=1) & (trust > 0)
    result: list[Dwell] = []
    for start, end in _without_slow_reaches(t, _rests(t, places, usable, stretch)):
        before = result[-1] if result else None
        place = np.median(places[start : end + 1], axis=0)
        way = np.empty(0) if before is None else _away(places[before.last : start + 1], before.place)
        new = before is not None and float(np.hypot(*(place - before.place))) >= NEW_PLACE
        put = new or bool(len(way) and np.nanmax(way, initial=0) >= NEW_PLACE)
        seen_well = float(trust[start : end + 1].mean())
        result.append(Dwell(hand=limb, first=start, last=end, place=place, trust=seen_well, new=new, put=put))
    return result


def _rests(t: Array, places: Array, usable: Flags, stretch: tuple[int, int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start, last = stretch
    while start <= last:
        before = None if not found else np.median(places[found[-1][0] : found[-1][1] + 1], axis=0)
        end = _rest_end(t, places, usable, (start, last), before)
        if end is not None:
            found.append((start, end))
            start = end
        start += 1
    return found


def _without_slow_reaches(t: Array, rests: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of two rests with no way between them, the longer: a hand that comes slowly seems to rest on its way."""
    kept: list[tuple[int, int]] = []
    for first, last in rests:
        if kept and t[first] - t[kept[-1][1]] <= NO_WAY_S:
            if t[last] - t[first] <= t[kept[-1][1]] - t[kept[-1][0]]:
                continue
            kept.pop()
        kept.append((first, last))
    return kept


def _away(places: Array, place: Array) -> Array:
    distance: Array = np.hypot(*(places - place).T)
    return distance


def _rest_end(t: Array, places: Array, usable: Flags, part: tuple[int, int], before: Array | None) -> int | None:
    """The last sample of a rest that begins with the part's first; None when none does."""
    start, last = part
    end = _together(places, usable, start, last, DWELL_RADIUS)
    if t[end] - t[start] >= MIN_DWELL_S - 1e-6:
        return end
    if before is None or float(np.hypot(*(places[start] - before))) < QUICK_REACH:
        return None
    quick = _together(places, usable, start, last, QUICK_RADIUS)
    moved = float(np.hypot(*(places[quick] - places[start])))
    return quick if t[quick] - t[start] >= QUICK_S - 1e-6 and moved <= QUICK_RADIUS else None


def _together(places: Array, usable: Flags, start: int, last: int, radius: float) -> int:
    """The last sample to which the limb stays within `radius` of where it has been since `start`."""
    if not usable[start]:
        return start
    middle, count, end = places[start], 1, start
    for k in range(start + 1, last + 1):
        if not usable[k] or float(np.hypot(*(places[k] - middle))) > radius:
            break
        middle = (middle * count + places[k]) / (count + 1)
        count, end = count + 1, k
    return end
