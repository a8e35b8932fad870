"""The numbers: pure functions of a track, in torso lengths and seconds. Formulas: docs/measures.md."""

from dataclasses import dataclass

import cv2
import numpy as np

from consumer.kinematics.sightings import Array
from consumer.kinematics.stops import STILL_SPEED
from consumer.kinematics.track import Track

# under one torso length of path, efficiency and entropy say nothing
MIN_PATH = 1.0
EVEN_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Way:
    """The hip path of one attempt: length, height gained, straight line and hull perimeter, in torso lengths."""

    length: float
    rise: float
    straight: float
    hull: float

    @property
    def long_enough(self) -> bool:
        return self.length >= MIN_PATH

    @property
    def efficiency(self) -> float:
        """Straight line over path, 0..1."""
        return min(1.0, self.straight / self.length)

    @property
    def gie(self) -> float:
        """Geometric index of entropy, ln(2 L / c); 0 for a straight line (Cordier 1993)."""
        return max(0.0, float(np.log(2 * self.length / self.hull)))


def way(track: Track, first: int, last: int) -> Way:
    """The way from sample `first` to `last`; gaps between pieces are not part of the length."""
    part = slice(first, last + 1)
    hip, piece = track.hip[part], track.piece[part]
    known = piece >= 0
    steps = np.hypot(*np.diff(hip, axis=0).T)
    joined = (piece[1:] == piece[:-1]) & (piece[1:] >= 0)
    places = hip[known]
    if len(places) < 2:
        return Way(length=0, rise=0, straight=0, hull=0)
    return Way(
        length=float(steps[joined].sum()),
        rise=max(0.0, float(places[:, 1].max() - places[0, 1])),
        straight=float(np.hypot(*(places[-1] - places[0]))),
        hull=hull_perimeter(places),
    )


def hull_perimeter(places: Array) -> float:
    """The perimeter of the convex hull of points (n, 2); twice the length for a line."""
    hull = cv2.convexHull(places.astype(np.float32))
    return float(cv2.arcLength(hull, closed=True))


def speeds(track: Track, attempts: tuple[tuple[int, int], ...]) -> Array:
    """The speed on the wall every EVEN_S, torso lengths a second, (n,): samples of an odd frame rate are not even."""
    parts = [np.empty(0)]
    for first, last in attempts:
        part = slice(first, last + 1)
        known = np.isfinite(track.speed[part])
        if known.any():
            even = np.arange(track.t[first], track.t[last] + 1e-6, EVEN_S)
            in_piece = track.piece[part][np.clip(np.searchsorted(track.t[part], even - 1e-6), 0, last - first)] >= 0
            parts.append(np.interp(even, track.t[part][known], track.speed[part][known])[in_piece])
    return np.concatenate(parts)


def still_share(speed: Array) -> float:
    """The share of the samples (n,) that are slower than STILL_SPEED."""
    return float((speed < STILL_SPEED).mean())


def duration(t: Array, attempts: tuple[tuple[int, int], ...]) -> float:
    """Seconds from the first to the last sample of each attempt, together."""
    return float(sum(t[last] - t[first] for first, last in attempts))
