"""When he was on the wall: the climbs in a clip, from postures or from the moving blob."""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.falls import Fall, falls, split_at
from consumer.kinematics.posture import FEET_OFF, LEGS_STRAIGHT, Posture, floor_up, posture, standing_ends
from consumer.kinematics.sightings import Array, Flags, Sightings
from consumer.kinematics.track import Track, runs

MIN_CLIMB_S = 1.5
# between two engaged stretches with the feet off the floor
MAX_PAUSE_S = 2.0
# hip travel without which hands up are only hands up, torso lengths
MIN_RISE = 0.5
MIN_TRAVERSE = 1.0
FEET_OFF_S = 1.0
# torso lengths from one sample to the next; less is jitter
RISING = 0.02
# a person who comes nearer changes size; a climber hardly does
MAX_SIZE_RATIO = 2.0
# a hand that stays in place while the hips move: the wall holds it
GRIP_S = 0.8
GRIP_RADIUS = 0.3
GRIP_HIP_TRAVEL = 0.25


@dataclass(frozen=True, kw_only=True)
class Climbs:
    """Stretches on the wall, (first, last) sample, and the falls that ended some of them."""

    attempts: tuple[tuple[int, int], ...]
    falls: tuple[Fall, ...]


def by_posture(seen: Sightings, track: Track) -> Climbs:
    """Climbs as the limbs show them."""
    pose = posture(seen)
    standing = seen.seen & ~pose.engaged & (pose.legs > LEGS_STRAIGHT)
    floor = floor_up(pose, standing)
    feet_off = (pose.feet_up - floor) / pose.size > FEET_OFF
    off_floor = np.where(np.isfinite(floor), feet_off, True)
    held = joined(seen.t, pose.engaged & seen.somebody, off_floor & seen.seen)
    down = falls(seen, track)
    attempts = []
    for first, last in split_at(one_scene_each(seen, held), down):
        stretch = trimmed(pose, floor, first, last)
        if stretch is not None and is_climb(seen, pose, feet_off, stretch):
            attempts.append((risen_from(pose, first, stretch[0]), stretch[1]))
    return Climbs(attempts=tuple(attempts), falls=ending(down, attempts))


def joined(t: Array, engaged: Flags, off_floor: Flags) -> list[tuple[int, int]]:
    """The engaged stretches, two of them made one where the pause is short and spent off the floor."""
    result: list[tuple[int, int]] = []
    for first, last in runs(engaged):
        if result:
            before = result[-1][1]
            pause = slice(before + 1, first)
            if t[first] - t[before] <= MAX_PAUSE_S and bool(off_floor[pause].all()):
                result[-1] = (result[-1][0], last)
                continue
        result.append((first, last))
    return result


def one_scene_each(seen: Sightings, stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The stretches, cut where the clip is cut: the wall after a cut is another wall."""
    result: list[tuple[int, int]] = []
    for first, last in stretches:
        cuts = [k for k in range(first + 1, last + 1) if seen.scene[k] != seen.scene[k - 1]]
        result += zip([first, *cuts], [*(k - 1 for k in cuts), last], strict=True)
    return result


def trimmed(pose: Posture, floor: Array, first: int, last: int) -> tuple[int, int] | None:
    """The stretch without the standing at its two ends; None when it is all standing."""
    before, after = standing_ends(pose, first, last, floor)
    return (first + before, last - after) if before + after <= last - first else None


def risen_from(pose: Posture, first: int, start: int) -> int:
    """Where the hips begin the rise that takes the feet off the floor at `start`; not before `first`."""
    while start > first and pose.hip_up[start] - pose.hip_up[start - 1] > RISING * pose.size[start]:
        start -= 1
    return start


def is_climb(seen: Sightings, pose: Posture, feet_off: Flags, stretch: tuple[int, int]) -> bool:
    """True when the hands hold and the body moves, or hangs with the feet off the floor."""
    first, last = stretch
    t, part = seen.t, slice(first, last + 1)
    if t[last] - t[first] < MIN_CLIMB_S or not np.isfinite(pose.size[part]).any():
        return False
    low, high = np.nanpercentile(pose.size[part], [10, 90])
    if high > MAX_SIZE_RATIO * low:
        return False
    unit = float(np.nanmedian(pose.size[part]))
    rise = float(np.nanmax(seen.hip[part, 1]) - np.nanmin(seen.hip[part, 1])) / unit
    aside = float(np.nanmax(seen.hip[part, 0]) - np.nanmin(seen.hip[part, 0])) / unit
    hangs = float(feet_off[part].mean()) * (t[last] - t[first]) >= FEET_OFF_S
    return grips(seen, stretch, unit) and (rise >= MIN_RISE or aside >= MIN_TRAVERSE or hangs)


def grips(seen: Sightings, stretch: tuple[int, int], unit: float) -> bool:
    """True when some hand stays in its place on the wall for GRIP_S while the hips move."""
    first, last = stretch
    window = round(GRIP_S / max(float(np.median(np.diff(seen.t[first : last + 1]))), 1e-3)) + 1
    for start in range(first, last - window + 2):
        part = slice(start, start + window)
        if not seen.seen[part].all():
            continue
        moved = float(np.hypot(*np.ptp(seen.hip[part], axis=0))) / unit
        spread = np.hypot(*np.moveaxis(np.ptp(seen.wrists[part], axis=0), -1, 0)) / unit
        if moved >= GRIP_HIP_TRAVEL and float(spread.min()) <= GRIP_RADIUS:
            return True
    return False


# a blob has no limbs: only a clear way up is a climb
BLOB_RISE = 1.5


def by_blob(seen: Sightings, track: Track) -> Climbs:
    """Climbs as the moving blob shows them: from its lowest place up, when it goes up more than aside."""
    down = falls(seen, track)
    attempts = []
    for number in range(int(track.piece.max(initial=-1)) + 1):
        members = np.flatnonzero(track.piece == number)
        for first, last in split_at([(int(members[0]), int(members[-1]))], down):
            stretch = _way_up(track, first, last)
            if stretch is not None and seen.t[stretch[1]] - seen.t[stretch[0]] >= MIN_CLIMB_S:
                attempts.append(stretch)
    return Climbs(attempts=tuple(attempts), falls=ending(down, attempts))


def _way_up(track: Track, first: int, last: int) -> tuple[int, int] | None:
    part = slice(first, last + 1)
    height = track.hip[part, 1]
    top = int(np.nanargmax(height))
    low = int(np.nanargmin(height[: top + 1]))
    rise = float(height[top] - height[low])
    aside = abs(float(track.hip[first + top, 0] - track.hip[first + low, 0]))
    sizes = track.size[first + low : first + top + 1]
    steady = float(np.nanmax(sizes, initial=0)) <= MAX_SIZE_RATIO * float(np.nanmin(sizes, initial=np.inf))
    if rise < BLOB_RISE or aside > rise or not steady:
        return None
    # he leaves the ground with the first rise that he keeps
    leaves = np.flatnonzero(height[low : top + 1] < height[low] + MIN_RISE)
    return first + low + int(leaves[-1]), last


def ending(down: list[Fall], attempts: list[tuple[int, int]]) -> tuple[Fall, ...]:
    """The falls that begin on the wall, or within a few samples of leaving it."""
    return tuple(fall for fall in down if any(first <= fall.start <= last + 5 for first, last in attempts))
