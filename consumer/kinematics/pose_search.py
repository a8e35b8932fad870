"""Keeps people in view: tracks from picture to picture, and looks where something moves that no track explains.

The first detection is the weak link (measured: the detector misses climbers of a third of the picture's height in
clutter), so it is made in a crop round the moving blob, and only then in the whole picture. Up to MAX_PEOPLE who move
are followed at once; which of them climbs is known only at the end (climber.py).
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from consumer.kinematics.blob import Blob
from consumer.kinematics.body import Body
from consumer.kinematics.hold import Hold, is_body
from consumer.kinematics.pose_model import Image, Landmarks, PoseModel, Region

MAX_PEOPLE = 3
CROP_SCALE = 2.0
MIN_CROP = 0.2
MAX_CANDIDATES = 3
MAX_CROPS = 2
# of the landmarks of somebody who moves, at least so many lie where something moves
MIN_MOVING_SHARE = 0.1
# after this long without the person, whoever is found counts as somebody else unless he fits
FORGET_S = 1.0
# somebody who never moved is left for somebody who has moved for this long
STRANGER_S = 1.5
# how often to look for one more person, and for anybody where nothing moves
NEXT_SEARCH_S = 0.5
IDLE_SEARCH_S = 0.3
# what moves and was searched so often in vain is hardly somebody: from then on it is searched as what does not move
IN_VAIN = 5
# a stranger's blob is at least this high, beside the people in view
STRANGER_SIZE = 0.4
# and is not more than this covered by the box of somebody in view
COVERED = 0.3


class PoseSearch:
    """The people of a clip, picture by picture in time order."""

    def __init__(self, model: PoseModel) -> None:
        self._model = model
        self._holds: list[Hold] = []
        self._identity = 0
        self._searched_at = -np.inf
        self._in_vain = 0

    def look(self, t: float, image: Image, blobs: Sequence[Blob]) -> tuple[Body, ...]:
        """The bodies in the picture at `t`. `blobs` is what is unlike the background in it."""
        height, width = image.shape[:2]
        # what somebody left behind in the background differs from the picture too, and never moves
        moving = [blob for blob in blobs if blob.moves]
        self._track(t, image)
        strangers = [blob for blob in moving if self._is_stranger(t, blob, width, height)]
        self._leave_bystanders(t, moving, bool(strangers), width, height)
        if self._is_due(t, moving, strangers):
            self._searched_at = t
            found = self._search(t, image, strangers if self._in_view(t) else moving or list(blobs))
            self._in_vain = 0 if found else self._in_vain + 1
        return tuple(hold.body for hold in self._in_view(t))

    def _in_view(self, t: float) -> list[Hold]:
        return [hold for hold in self._holds if hold.t == t]

    def _track(self, t: float, image: Image) -> None:
        kept: list[Hold] = []
        # who is held longest is himself where two tracks meet on one body
        for hold in sorted(self._holds, key=lambda hold: hold.since):
            if t - hold.t > FORGET_S:
                continue
            found = self._model.landmarks(image, hold.region)
            there = is_body(found) and hold.fits(found, t)
            if there and any(other.t == t and other.is_at(found) for other in kept):
                continue
            kept.append(hold.seen(found, t) if there else hold)
        self._holds = kept

    def _is_stranger(self, t: float, blob: Blob, width: int, height: int) -> bool:
        """True for a blob as large as a person that nobody in view explains."""
        boxes = [hold.body.box for hold in self._in_view(t)]
        if not boxes:
            return True
        largest = max(bottom - top for _, top, _, bottom in boxes) / height
        covered = max(_covered(blob, (x0 / width, y0 / height, x1 / width, y1 / height)) for x0, y0, x1, y1 in boxes)
        return blob.height >= STRANGER_SIZE * largest and covered < COVERED

    def _leave_bystanders(self, t: float, moving: list[Blob], strangers: bool, width: int, height: int) -> None:
        """Lets go of who never moved while somebody else has been moving for a while."""
        kept = []
        for hold in self._holds:
            others = strangers or any(other.moved for other in self._in_view(t) if other is not hold)
            if hold.moved or not others or _moving_share(hold.body.points, moving, width, height) >= MIN_MOVING_SHARE:
                kept.append(replace(hold, still_since=None))
                continue
            since = t if hold.still_since is None else hold.still_since
            if t - since < STRANGER_S:
                kept.append(replace(hold, still_since=since))
        self._holds = kept

    def _is_due(self, t: float, moving: list[Blob], strangers: list[Blob]) -> bool:
        since = t - self._searched_at
        if self._in_view(t):
            return bool(strangers) and len(self._holds) < MAX_PEOPLE and since >= NEXT_SEARCH_S
        return (bool(moving) and self._in_vain < IN_VAIN) or since >= IDLE_SEARCH_S - 1e-6

    def _search(self, t: float, image: Image, blobs: list[Blob]) -> bool:
        """Adds the best body found in the first crop that shows one, and says if there is one; the whole picture is
        searched only while nobody is in view.
        """
        height, width = image.shape[:2]
        regions = [crop_round(blob, width, height) for blob in blobs[:MAX_CROPS]]
        if not self._in_view(t):
            regions.append(Region(cx=width / 2, cy=height / 2, side=float(max(width, height))))
        for region in regions:
            people = self._model.detect(image, region)[:MAX_CANDIDATES]
            bodies = [found for found in (self._model.landmarks(image, one.region) for one in people) if is_body(found)]
            bodies = [found for found in bodies if self._may_be(t, found)]
            share = {id(found): _moving_share(found.points, blobs, width, height) for found in bodies}
            if blobs:
                bodies = [found for found in bodies if share[id(found)] >= MIN_MOVING_SHARE]
            if bodies:
                self._accept(t, max(bodies, key=lambda found: found.presence + share[id(found)]))
                return True
        return False

    def _may_be(self, t: float, found: Landmarks) -> bool:
        """While nobody is in view, only who was lost less than FORGET_S ago may come back; else anybody new."""
        seen = self._in_view(t)
        if seen:
            return not any(hold.is_at(found) for hold in seen)
        return not self._holds or any(hold.fits(found, t) for hold in self._holds)

    def _accept(self, t: float, found: Landmarks) -> None:
        lost = [hold for hold in self._holds if hold.t < t and hold.fits(found, t)]
        if lost:
            again = min(lost, key=lambda hold: float(np.hypot(*(hold.body.hip - found.points[[23, 24]].mean(axis=0)))))
            self._holds = [hold.seen(found, t) if hold is again else hold for hold in self._holds]
            return
        self._identity += 1
        self._holds.append(Hold.of(found, t, self._identity))


def crop_round(blob: Blob, width: int, height: int) -> Region:
    """The square of twice the blob's size round its middle, in pixels, at least a fifth of the picture."""
    side = max((blob.x1 - blob.x0) * width, blob.height * height) * CROP_SCALE
    return Region(
        cx=(blob.x0 + blob.x1) / 2 * width,
        cy=(blob.y0 + blob.y1) / 2 * height,
        side=min(max(side, MIN_CROP * max(width, height)), 1.2 * max(width, height)),
    )


def _moving_share(points: np.typing.NDArray[np.float64], blobs: Sequence[Blob], width: int, height: int) -> float:
    """The share of the landmarks (33, 2; pixels) that lie in a moving blob's box."""
    x, y = points[:, 0] / width, points[:, 1] / height
    inside = np.zeros(len(x), dtype=bool)
    for blob in blobs:
        inside |= (x >= blob.x0) & (x <= blob.x1) & (y >= blob.y0) & (y <= blob.y1)
    return float(inside.mean())


def _covered(blob: Blob, box: tuple[float, float, float, float]) -> float:
    """The share of the blob's box that lies in `box` (x0, y0, x1, y1; 0..1)."""
    wide = min(blob.x1, box[2]) - max(blob.x0, box[0])
    high = min(blob.y1, box[3]) - max(blob.y0, box[1])
    area = (blob.x1 - blob.x0) * blob.height
    return max(0.0, wide) * max(0.0, high) / area if area > 0 else 1.0
