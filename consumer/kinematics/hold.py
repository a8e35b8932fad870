"""A person whom the search holds on to from picture to picture: who still is he, and who is not."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from consumer.kinematics.body import Body
from consumer.kinematics.pose_model import Landmarks, Region

MIN_PRESENCE = 0.5
MIN_TRUNK_VISIBILITY = 0.5
# torso lengths a second. Downwards a real jump-off reaches 13; upwards and sideways nobody flies
MAX_FALL = 16.0
MAX_LEAP = 6.0
# torso lengths that a hip centre may jitter whatever the time between two pictures
JITTER = 0.7
SIZE_RATIO = 1.6
# hip travel in torso lengths below which a person "never moved"
UNMOVED = 1.0
# two bodies whose hips are nearer than this, in torso lengths, are one
SAME_PLACE = 0.5


@dataclass(frozen=True, kw_only=True)
class Hold:
    """The last body and when it was seen, where to look next, since when he is held, and how far he has come (the
    range of his hips, pixels). `still_since`: from when on only others moved.
    """

    body: Body
    region: Region
    t: float
    since: float
    low: tuple[float, float]
    high: tuple[float, float]
    still_since: float | None = None

    @classmethod
    def of(cls, found: Landmarks, t: float, identity: int) -> Self:
        """Somebody who was not held before."""
        body = body_of(found, identity)
        x, y = (float(value) for value in body.hip)
        return cls(body=body, region=found.region, t=t, since=t, low=(x, y), high=(x, y))

    @property
    def moved(self) -> bool:
        reach = float(np.hypot(self.high[0] - self.low[0], self.high[1] - self.low[1]))
        return reach > UNMOVED * self.body.torso

    def seen(self, found: Landmarks, t: float) -> Self:
        """The same person in the next picture."""
        body = body_of(found, self.body.identity)
        x, y = (float(value) for value in body.hip)
        low = (min(self.low[0], x), min(self.low[1], y))
        high = (max(self.high[0], x), max(self.high[1], y))
        return replace(self, body=body, region=found.region, t=t, low=low, high=high)

    def fits(self, found: Landmarks, t: float) -> bool:
        """False when both place and size jump: a fall keeps its size, another person does not."""
        last, body = self.body, body_of(found, 0)
        gap = max(t - self.t, 0.1)
        dx, dy = (float(value) / max(last.torso, 1.0) for value in body.hip - last.hip)
        fastest = MAX_FALL if dy > abs(dx) else MAX_LEAP
        ratio = body.torso / max(last.torso, 1.0)
        resized = not 1 / SIZE_RATIO < ratio < SIZE_RATIO
        jump = float(np.hypot(dx, dy))
        return jump <= fastest * gap + JITTER and not (resized and jump > 1.0)

    def is_at(self, found: Landmarks) -> bool:
        """True when `found` is this body once more."""
        body = body_of(found, 0)
        away = float(np.hypot(*(body.hip - self.body.hip)))
        return away < SAME_PLACE * max(body.torso, self.body.torso)


def is_body(found: Landmarks) -> bool:
    """The model says that there is a body, and sees its trunk."""
    body = body_of(found, 0)
    return (
        found.presence >= MIN_PRESENCE
        and body.trunk_visibility >= MIN_TRUNK_VISIBILITY
        and body.torso > 4
        and found.region.side > 8
    )


def body_of(found: Landmarks, identity: int) -> Body:
    return Body(points=found.points, visibility=found.visibility, presence=found.presence, identity=identity)
