"""Cut feet: both feet leave the wall at once while a hand holds. High steps: a foot is put as high as the hips."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from consumer.kinematics.placements import Dwell, stays
from consumer.kinematics.sightings import Array, Sightings
from consumer.kinematics.track import Track, runs

# a stepping foot is followed by a standing one; two that are this fast together stand on nothing
SWING_SPEED = 2.0
MIN_SWING_S = 0.2
MERGE_S = 0.8
# later than this before the end, he comes off
BEFORE_END_S = 0.5
# a foot behind the body is guessed with .5 to .8
MIN_FOOT_TRUST = 0.75
# the ankle is at most so far under the hip centre, torso lengths (standing straight it is 1.7), and has come up so far
HIGH_STEP_BELOW = 0.4
HIGH_STEP_RISE = 0.6


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Both feet off from sample `first` to `last`; `trust` 0..1 is how well the ankles were seen."""

    first: int
    last: int
    trust: float


def cut_feet(seen: Sightings, track: Track, dwells: list[Dwell], first: int, last: int) -> list[Cut]:
    """The moments in a stretch on the wall in which both feet swing while a hand stays in its place."""
    both = np.zeros(len(seen.t), dtype=np.bool_)
    speed = ankle_speed(seen, track.unit)
    seen_well = seen.foot_trust.min(axis=1) >= MIN_FOOT_TRUST
    both[first : last + 1] = ((speed.min(axis=1) > SWING_SPEED) & seen_well)[first : last + 1]
    found: list[Cut] = []
    for a, b in runs(both):
        held = any(dwell.first <= a and b <= dwell.last for dwell in dwells)
        ends = seen.t[last] - seen.t[b] < BEFORE_END_S
        if seen.t[b] - seen.t[a] < MIN_SWING_S - 1e-6 or not held or ends:
            continue
        trust = float(seen.foot_trust[a : b + 1].mean())
        if found and seen.t[a] - seen.t[found[-1].last] <= MERGE_S:
            found[-1] = Cut(first=found[-1].first, last=b, trust=min(trust, found[-1].trust))
        else:
            found.append(Cut(first=a, last=b, trust=trust))
    return found


def high_steps(seen: Sightings, track: Track, first: int, last: int) -> list[Dwell]:
    """The dwells of feet that were put near the height of the hips, from well below, in time order."""
    found = []
    for foot in (0, 1):
        trust = np.where(seen.foot_trust[:, foot] >= MIN_FOOT_TRUST, seen.foot_trust[:, foot], 0.0)
        places = seen.ankles[:, foot] * (1, -1) / track.unit
        put = stays(seen.t, places, trust, (first, last), limb=foot)
        for before, after in pairwise(put):
            below = float(track.hip[after.first, 1] - after.place[1])
            if below <= HIGH_STEP_BELOW and after.place[1] - before.place[1] >= HIGH_STEP_RISE:
                found.append(after)
    return sorted(found, key=lambda dwell: (dwell.first, dwell.hand))


def ankle_speed(seen: Sightings, unit: float) -> Array:
    """(N, 2) speed of each ankle over its two neighbours, torso lengths a second; 0 where it is not known."""
    speed = np.zeros((len(seen.t), 2))
    if len(seen.t) < 3:
        return speed
    way = seen.ankles[2:] - seen.ankles[:-2]
    taken = np.maximum(seen.t[2:] - seen.t[:-2], 1e-3)
    speed[1:-1] = np.nan_to_num(np.hypot(way[..., 0], way[..., 1]) / unit / taken[:, None])
    return speed
