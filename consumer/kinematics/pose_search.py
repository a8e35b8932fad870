"""Keeps one person in view: tracks from picture to picture, and looks where something moves when there is no track.

The first detection is the weak link (measured: the detector misses climbers of a third of the picture's height in
clutter), so it is made in a crop round the moving blob, and only then in the whole picture. The person to follow is
the one who moves.
"""

from dataclasses import dataclass, replace

import numpy as np

from consumer.kinematics.blob import Blob
from consumer.kinematics.body import Body
from consumer.kinematics.pose_model import Image, Landmarks, PoseModel, Region

MIN_PRESENCE = 0.5
MIN_TRUNK_VISIBILITY = 0.5
CROP_SCALE = 2.0
MIN_CROP = 0.2
MAX_CANDIDATES = 3
# of the landmarks of somebody who moves, at least so many lie where something moves
MIN_MOVING_SHARE = 0.1
# torso lengths a second. Downwards a real jump-off reaches 13; upwards and sideways nobody flies
MAX_FALL = 16.0
MAX_LEAP = 6.0
# torso lengths that a hip centre may jitter whatever the time between two pictures
JITTER = 0.7
SIZE_RATIO = 1.6
# after this long without the person, whoever is found counts as somebody else unless he fits
FORGET_S = 1.0
# somebody who never moved is left for somebody who has moved for this long
STRANGER_S = 1.5
# hip travel in torso lengths below which a person "never moved"
UNMOVED = 1.0


@dataclass(kw_only=True)
class Hold:
    """The person in view: the last body, where to look next, and how far he has come (hip range, pixels)."""

    body: Body
    region: Region
    t: float
    low: tuple[float, float]
    high: tuple[float, float]
    stranger_since: float | None = None

    @property
    def moved(self) -> bool:
        reach = float(np.hypot(self.high[0] - self.low[0], self.high[1] - self.low[1]))
        return reach > UNMOVED * self.body.torso


class PoseSearch:
    """One person through a clip, picture by picture in time order."""

    def __init__(self, model: PoseModel) -> None:
        self._model = model
        self._hold: Hold | None = None
        self._identity = 0

    def look(self, t: float, image: Image, blobs: list[Blob]) -> Body | None:
        """The body in the picture at `t`, or None. `blobs` is what moves in it."""
        # what somebody left behind in the background differs from the picture too, and never moves
        blobs = [blob for blob in blobs if blob.moves] or blobs
        found = self._tracked(t, image)
        if found is not None and self._is_bystander(t, found, blobs, image):
            self._hold, found = None, None
        if found is None:
            found = self._searched(t, image, blobs)
        return None if found is None else self._accept(t, found)

    def _tracked(self, t: float, image: Image) -> Landmarks | None:
        if self._hold is None or t - self._hold.t > FORGET_S:
            return None
        found = self._model.landmarks(image, self._hold.region)
        return found if is_body(found) and self._fits(t, found) else None

    def _searched(self, t: float, image: Image, blobs: list[Blob]) -> Landmarks | None:
        height, width = image.shape[:2]
        whole = Region(cx=width / 2, cy=height / 2, side=float(max(width, height)))
        for region in [*(crop_round(blob, width, height) for blob in blobs[:2]), whole]:
            people = self._model.detect(image, region)[:MAX_CANDIDATES]
            seen = [self._model.landmarks(image, person.region) for person in people]
            bodies = [found for found in seen if is_body(found) and self._may_be(t, found)]
            if blobs:
                bodies = [found for found in bodies if moving_share(found, blobs, width, height) >= MIN_MOVING_SHARE]
            if bodies:
                return max(bodies, key=lambda found: self._claim(found, blobs, width, height))
        return None

    def _claim(self, found: Landmarks, blobs: list[Blob], width: int, height: int) -> float:
        """How good a candidate is: presence, and how much of him moves."""
        return found.presence + moving_share(found, blobs, width, height)

    def _may_be(self, t: float, found: Landmarks) -> bool:
        # within FORGET_S only the same person may come back; afterwards anybody may
        return self._hold is None or t - self._hold.t > FORGET_S or self._fits(t, found)

    def _fits(self, t: float, found: Landmarks) -> bool:
        """False when both place and size jump: a fall keeps its size, another person does not."""
        assert self._hold is not None  # noqa: S101  both callers have looked
        last = self._hold.body
        body = _body(found, last.identity)
        gap = max(t - self._hold.t, 0.1)
        dx, dy = (float(value) / max(last.torso, 1.0) for value in body.hip - last.hip)
        fastest = MAX_FALL if dy > abs(dx) else MAX_LEAP
        ratio = body.torso / max(last.torso, 1.0)
        resized = not 1 / SIZE_RATIO < ratio < SIZE_RATIO
        jump = float(np.hypot(dx, dy))
        return jump <= fastest * gap + JITTER and not (resized and jump > 1.0)

    def _is_bystander(self, t: float, found: Landmarks, blobs: list[Blob], image: Image) -> bool:
        """True when the person in view never moved, and somebody else has been moving for a while."""
        hold = self._hold
        if hold is None or hold.moved:
            return False
        height, width = image.shape[:2]
        if moving_share(found, blobs, width, height) >= MIN_MOVING_SHARE:
            hold.stranger_since = None
            return False
        if not blobs:
            return False
        if hold.stranger_since is None:
            hold.stranger_since = t
        return t - hold.stranger_since >= STRANGER_S

    def _accept(self, t: float, found: Landmarks) -> Body:
        hold = self._hold
        same = hold is not None and self._fits(t, found)
        self._identity += not same
        body = _body(found, self._identity)
        x, y = (float(value) for value in body.hip)
        if hold is None or not same:
            self._hold = Hold(body=body, region=found.region, t=t, low=(x, y), high=(x, y))
            return body
        low = (min(hold.low[0], x), min(hold.low[1], y))
        high = (max(hold.high[0], x), max(hold.high[1], y))
        self._hold = replace(hold, body=body, region=found.region, t=t, low=low, high=high)
        return body


def is_body(found: Landmarks) -> bool:
    """The model says that there is a body, and sees its trunk."""
    body = _body(found, 0)
    return (
        found.presence >= MIN_PRESENCE
        and body.trunk_visibility >= MIN_TRUNK_VISIBILITY
        and body.torso > 4
        and found.region.side > 8
    )


def crop_round(blob: Blob, width: int, height: int) -> Region:
    """The square of twice the blob's size round its middle, in pixels, at least a fifth of the picture."""
    side = max((blob.x1 - blob.x0) * width, blob.height * height) * CROP_SCALE
    return Region(
        cx=(blob.x0 + blob.x1) / 2 * width,
        cy=(blob.y0 + blob.y1) / 2 * height,
        side=min(max(side, MIN_CROP * max(width, height)), 1.2 * max(width, height)),
    )


def moving_share(found: Landmarks, blobs: list[Blob], width: int, height: int) -> float:
    """The share of the landmarks that lie in a moving blob's box."""
    x, y = found.points[:, 0] / width, found.points[:, 1] / height
    inside = np.zeros(len(x), dtype=bool)
    for blob in blobs:
        inside |= (x >= blob.x0) & (x <= blob.x1) & (y >= blob.y0) & (y <= blob.y1)
    return float(inside.mean())


def _body(found: Landmarks, identity: int) -> Body:
    return Body(points=found.points, visibility=found.visibility, presence=found.presence, identity=identity)
