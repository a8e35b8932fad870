"""What the body does in each sample, from where its parts are: pure, one array a question.

All lengths here are in local torso lengths (the torso as seen within half a second), y upwards, so that somebody who
walks in close to the camera is judged by his own size.
"""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.sightings import Array, Flags, Sightings
from consumer.kinematics.track import TORSO_WINDOW_S, rolling_median

# a hand holds something when it is above the shoulders, or so little below that a lock-off still counts
HAND_HEIGHT = -0.1
# seconds; a move takes a hand away for less than half of this
ENGAGED_WINDOW_S = 1.6
# straight legs are 1.7 torso lengths from hip to ankle (Drillis and Contini 1966: .530 H - .039 H); a camera that
# looks down on him makes them shorter, a squat is under 1
LEGS_STRAIGHT = 1.0
# at the beginning of a clip that shows no floor, who stands on the wall looks like who stands on the ground; his legs
# are seldom this straight
LEGS_VERY_STRAIGHT = 1.4
FEET_LEVEL = 0.35
FEET_OFF = 0.4


@dataclass(frozen=True, kw_only=True)
class Posture:
    """N samples. `size` (N,) local torso in picture heights; `hip_up`, `feet_up` (N,) heights of the hip centre and
    of the lower ankle, in picture heights, upwards; `legs` (N,) hip over lower ankle in local torsos; `engaged` (N,):
    the hands are up most of the time; `level` (N,): the feet are level. NaN compares False.
    """

    t: Array
    size: Array
    hip_up: Array
    feet_up: Array
    engaged: Flags
    legs: Array
    level: Flags


def posture(seen: Sightings) -> Posture:
    """Hands up on something, legs straight, feet level: for each sample."""
    size = rolling_median(seen.t, seen.torso, TORSO_WINDOW_S)
    hip_up, shoulder_up = -seen.hip[:, 1], -seen.shoulder[:, 1]
    hands_up, ankles_up = -seen.wrists[:, :, 1], -seen.ankles[:, :, 1]
    reach = (hands_up - shoulder_up[:, None]) / size[:, None]
    feet_up = ankles_up.min(axis=1)
    return Posture(
        t=seen.t,
        size=size,
        hip_up=hip_up,
        feet_up=feet_up,
        engaged=_mostly(seen.t, reach.max(axis=1) > HAND_HEIGHT, seen.seen, ENGAGED_WINDOW_S),
        legs=(hip_up - feet_up) / size,
        level=np.abs(ankles_up[:, 0] - ankles_up[:, 1]) / size < FEET_LEVEL,
    )


def _mostly(t: Array, flags: Flags, known: Flags, window_s: float) -> Flags:
    """True where at least half of the known samples within the window are; unknown moments follow their neighbours."""
    result = np.zeros(len(t), dtype=np.bool_)
    for i, now in enumerate(t):
        near = (np.abs(t - now) <= window_s / 2 + 1e-6) & known
        result[i] = bool(near.any()) and float(flags[near].mean()) >= 0.5
    return result


def floor_up(pose: Posture, standing: Flags) -> Array:
    """(N,) the height of the floor nearest in time, from samples in which somebody stands; NaN when nobody does."""
    known = np.flatnonzero(standing & np.isfinite(pose.feet_up))
    if not len(known):
        return np.full(len(pose.t), np.nan)
    level = np.full(len(pose.t), np.nan)
    for i, now in enumerate(pose.t):
        nearest = known[np.argsort(np.abs(pose.t[known] - now), kind="stable")[:5]]
        level[i] = float(np.median(pose.feet_up[nearest]))
    return level


def standing_ends(pose: Posture, first: int, last: int, floor: Array) -> tuple[int, int]:
    """How many samples at the two ends of a stretch he stands on the floor with his hands up.

    Standing: legs straight, the lower foot as low as feet get, and both feet level for at least half of the time.
    Without a floor that was seen, as low as feet get is the lowest of this stretch.
    """
    part = slice(first, last + 1)
    lowest = np.where(np.isfinite(floor[part]), floor[part], np.nanmin(pose.feet_up[part], initial=np.inf))
    low = (pose.feet_up[part] - lowest) / pose.size[part] < FEET_OFF
    level = pose.level[part]
    first_legs = np.where(np.isfinite(floor[part]), LEGS_STRAIGHT, LEGS_VERY_STRAIGHT)
    before = low & (pose.legs[part] > first_legs)
    after = low & (pose.legs[part] > LEGS_STRAIGHT)
    return _leading(before, level), _leading(after[::-1], level[::-1])


def _leading(low: Flags, level: Flags) -> int:
    count = len(low) if low.all() else int(np.argmin(low))
    return count if count and float(level[:count].mean()) >= 0.5 else 0
