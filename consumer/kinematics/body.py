"""A body as the pose model saw it in one picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SHOULDERS = (11, 12)
WRISTS = (15, 16)
FINGERS = (19, 20)
HIPS = (23, 24)
ANKLES = (27, 28)
TRUNK = SHOULDERS + HIPS


@dataclass(frozen=True, kw_only=True)
class Body:
    """`points` (33, 2) in pixels of the sampled picture, `visibility` (33,) 0..1, left before right.

    `identity` changes when the person may be another one.
    """

    points: Array
    visibility: Array
    presence: float
    identity: int

    @property
    def hip(self) -> Array:
        return centre(self.points, HIPS)

    @property
    def shoulder(self) -> Array:
        return centre(self.points, SHOULDERS)

    @property
    def torso(self) -> float:
        """Hip centre to shoulder centre, in pixels."""
        return float(np.hypot(*(self.hip - self.shoulder)))

    @property
    def trunk_visibility(self) -> float:
        return float(self.visibility[list(TRUNK)].mean())

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 round all landmarks, in pixels."""
        (x0, y0), (x1, y1) = self.points.min(axis=0), self.points.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


def centre(points: Array, pair: tuple[int, int]) -> Array:
    """The middle of two landmarks, (2,)."""
    middle: Array = points[list(pair)].mean(axis=0)
    return middle
