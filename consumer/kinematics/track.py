"""The hip path: sightings joined over short gaps and smoothed, with speeds, in torso lengths."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consumer.kinematics.sightings import Array, Flags, Ids, Sightings

# half the window, seconds. Its weights fall off to its ends, so that uneven samples (15 fps) smooth as even ones do; it
# smooths like an even window of .6 s: domain research, stable within 3 % on height and 11 % on length from .3 to 1.0
HALF_WINDOW_S = 0.45
# a gap that is bridged; longer, and the path is two paths
MAX_GAP_S = 0.7
TORSO_WINDOW_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Track:
    """N samples of the hip centre. Lengths in torso lengths (`unit` picture heights), y UPWARDS, on the wall.

    `hip`, `velocity` (N, 2; torso lengths, and a second), `speed` (N,); `piece` (N,) numbers the unbroken paths, -1
    where there is none; `measured` (N,) is False where the path was bridged. `size` (N,) is the torso seen over its
    usual size.
    """

    t: Array
    hip: Array
    velocity: Array
    speed: Array
    piece: Ids
    measured: Flags
    size: Array
    unit: float


def follow(seen: Sightings, unit: float) -> Track:
    """The path through the sightings, in units of `unit` picture heights."""
    n = len(seen.t)
    up = seen.hip * (1, -1) / unit
    piece = pieces(seen)
    hip, velocity = np.full((n, 2), np.nan), np.full((n, 2), np.nan)
    for number in range(int(piece.max(initial=-1)) + 1):
        members = np.flatnonzero(piece == number)
        known = members[seen.seen[members]]
        hip[members], velocity[members] = smooth(seen.t[known], up[known], seen.t[members])
    return Track(
        t=seen.t,
        hip=hip,
        velocity=velocity,
        speed=np.hypot(velocity[:, 0], velocity[:, 1]),
        piece=piece,
        measured=seen.seen,
        size=rolling_median(seen.t, seen.torso, TORSO_WINDOW_S) / unit,
        unit=unit,
    )


def pieces(seen: Sightings) -> Ids:
    """Numbers of the unbroken paths (N,): same person, no gap over MAX_GAP_S; -1 where there is no path."""
    piece = np.full(len(seen.t), -1, dtype=np.int64)
    known = np.flatnonzero(seen.seen)
    number = -1
    last: int | None = None
    for k in known:
        goes_on = last is not None and seen.identity[k] == seen.identity[last] and seen.t[k] - seen.t[last] <= MAX_GAP_S
        number += not goes_on
        piece[last if goes_on and last is not None else k : k + 1] = number
        last = int(k)
    return piece


def smooth(t: Array, values: Array, at: Array) -> tuple[Array, Array]:
    """Values (n, 2) at times `t`, smoothed by a local quadratic (tricube weights), and their rates, at times `at`."""
    place, rate = np.empty((len(at), 2)), np.zeros((len(at), 2))
    for i, now in enumerate(at):
        away = np.abs(t - now)
        near = np.flatnonzero(away < HALF_WINDOW_S)
        # beside a gap the window reaches as far as it must
        if len(near) < 4:
            near = np.sort(np.argsort(away, kind="stable")[:4])
        reach = max(HALF_WINDOW_S, 1.01 * float(away[near].max()))
        weight = (1 - (away[near] / reach) ** 3) ** 1.5
        degree = min(2, len(near) - 1)
        powers = np.vander(t[near] - now, degree + 1, increasing=True)
        terms = np.linalg.lstsq(powers * weight[:, None], values[near] * weight[:, None], rcond=None)[0]
        place[i] = terms[0]
        if degree > 0:
            rate[i] = terms[1]
    return place, rate


def rolling_median(t: Array, values: Array, window_s: float) -> Array:
    """The median of the values (N,) within the window round each time; NaN where there are none."""
    result = np.full(len(t), np.nan)
    for i, now in enumerate(t):
        near = values[np.abs(t - now) <= window_s / 2 + 1e-6]
        near = near[np.isfinite(near)]
        if len(near):
            result[i] = float(np.median(near))
    return result


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, last) of each stretch of True, both inclusive."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))
