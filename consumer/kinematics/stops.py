"""Stretches on the wall without progress: rests (hands settled, then on) and hesitations (hands put again)."""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.placements import Dwell
from consumer.kinematics.track import Track, runs

STILL_SPEED = 0.25
MIN_REST_S = 1.0
# after a rest the hips get this far within this time
PROGRESS = 0.5
PROGRESS_S = 3.0
MIN_HESITATION_S = 2.0
# the hips stay within this all the while, torso lengths across
STUCK_REACH = 0.6
MIN_TRIES = 2


@dataclass(frozen=True, kw_only=True)
class Stop:
    """From sample `first` to `last`."""

    first: int
    last: int


def rests(track: Track, dwells: list[Dwell], first: int, last: int) -> list[Stop]:
    """Still for at least MIN_REST_S, no hand put meanwhile, and progress afterwards."""
    still = np.zeros(len(track.t), dtype=np.bool_)
    still[first : last + 1] = np.nan_to_num(track.speed[first : last + 1], nan=np.inf) < STILL_SPEED
    found = []
    for a, b in runs(still):
        settled = not any(dwell.put and a < dwell.first <= b for dwell in dwells)
        if track.t[b] - track.t[a] >= MIN_REST_S and settled and _goes_on(track, b, last):
            found.append(Stop(first=a, last=b))
    return found


def _goes_on(track: Track, at: int, last: int) -> bool:
    later = (track.t > track.t[at]) & (track.t <= track.t[at] + PROGRESS_S)
    later[last + 1 :] = False
    away = np.hypot(*(track.hip[later] - track.hip[at]).T)
    return bool(len(away)) and float(np.nanmax(away, initial=0)) >= PROGRESS


def hesitations(track: Track, dwells: list[Dwell], first: int, last: int) -> list[Stop]:
    """At least MIN_HESITATION_S in one place while hands were put at least MIN_TRIES times; longest first found."""
    found: list[Stop] = []
    start = first
    while start < last:
        end = _stuck_until(track, start, last)
        tries = sum(dwell.put and start < dwell.first <= end for dwell in dwells)
        if track.t[end] - track.t[start] >= MIN_HESITATION_S and tries >= MIN_TRIES:
            found.append(Stop(first=start, last=end))
            start = end + 1
        else:
            start += 1
    return found


def _stuck_until(track: Track, start: int, last: int) -> int:
    """The last sample to which the hips stay within a box of STUCK_REACH; gaps in the path end it."""
    low = high = track.hip[start]
    for k in range(start, last + 1):
        if track.piece[k] != track.piece[start] or track.piece[k] < 0:
            return max(start, k - 1)
        low, high = np.minimum(low, track.hip[k]), np.maximum(high, track.hip[k])
        if float(np.max(high - low)) > STUCK_REACH:
            return max(start, k - 1)
    return last
