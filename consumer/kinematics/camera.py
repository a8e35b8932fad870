"""How the camera moved: each picture's place on the wall, found from corners that do not belong to the climber.

The wall's coordinates are those of the first picture of a scene. Pictures are matched with an anchor picture, not
with their predecessor, so that errors do not add up while the camera stays; a new anchor is set when it wanders off.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.result import Camera

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

IDENTITY: Array = np.eye(2, 3)
# the strongest corners belong to people and holds; a bare wall has its say by its area
CANDIDATES = 1200
CORNER_QUALITY = 0.002
CELLS = 6
CORNERS_A_CELL = 6
MIN_CORNERS = 12
MIN_AGREEING = 0.3
# pixels of the 320 picture by which a corner may miss itself when tracked there and back
BACK_PIXELS = 0.7
# pixels of the 320 picture
RANSAC_PIXELS = 1.5
# a new anchor before a fifth of it has left the picture
ANCHOR_SHIFT = 0.2
# two neighbours less alike than this, with no common motion, are two scenes
SAME_SCENE_CORRELATION = 0.5
# grey levels, after a little blur
UNCHANGED_LEVEL = 1.5
# shares of the picture's height; measured on ten clips: static .00-.08, moving .16-.51
STATIC_TRAVEL = 0.1


@dataclass(frozen=True, kw_only=True)
class Step:
    """One picture's place: `to_wall` (2, 3) maps its pixels (of the 320 picture) to the scene's first picture.

    `found` is False where no common motion could be seen and the picture changed; the place is then the last one known.
    """

    to_wall: Array
    found: bool
    scene: int


class CameraPath:
    """Follows the camera picture by picture."""

    def __init__(self) -> None:
        self._anchor: Image | None = None
        self._corners: Array = np.empty((0, 2))
        self._anchor_to_wall: Array = IDENTITY
        self._shift: Array = IDENTITY
        self._last: Image | None = None
        self._last_to_wall: Array = IDENTITY
        self._scene = 0

    def follow(self, gray: Image, people: Image | None = None) -> Step:
        """The next picture's place. `people` (same shape) is 255 where corners may belong to somebody."""
        if self._anchor is None or self._last is None:
            self._drop_anchor(gray, IDENTITY, people)
            return self._remember(gray, IDENTITY, found=True)
        shift = common_motion(self._anchor, gray, self._corners, self._shift)
        if shift is None:
            self._drop_anchor(self._last, self._last_to_wall, people)
            shift = common_motion(self._last, gray, self._corners, IDENTITY)
        if shift is None:
            return self._lost(gray, people)
        self._shift = shift
        to_wall = chain(self._anchor_to_wall, invert(shift))
        if _wandered(shift, gray.shape):
            self._drop_anchor(gray, to_wall, people)
        return self._remember(gray, to_wall, found=True)

    def _lost(self, gray: Image, people: Image | None) -> Step:
        cut = self._last is None or correlation(self._last, gray) < SAME_SCENE_CORRELATION
        place = IDENTITY if cut else self._last_to_wall
        # a bare wall has no corners; where most of it looks as before, the camera stood
        stood = self._last is not None and unchanged(self._last, gray)
        self._scene += cut
        self._drop_anchor(gray, place, people)
        return self._remember(gray, place, found=cut or stood)

    def _remember(self, gray: Image, to_wall: Array, *, found: bool) -> Step:
        self._last, self._last_to_wall = gray, to_wall
        return Step(to_wall=to_wall, found=found, scene=self._scene)

    def _drop_anchor(self, gray: Image, to_wall: Array, people: Image | None) -> None:
        self._anchor, self._anchor_to_wall, self._shift = gray, to_wall, IDENTITY
        self._corners = corners(gray, people)


def corners(gray: Image, people: Image | None) -> Array:
    """(n, 2) corners outside `people`, at most CORNERS_A_CELL in each cell of a grid."""
    mask = None if people is None else cv2.bitwise_not(people)
    found: Any = cv2.goodFeaturesToTrack(gray, CANDIDATES, CORNER_QUALITY, 5, mask=mask)
    if found is None:
        return np.empty((0, 2))
    # strongest first
    places: Array = np.asarray(found, dtype=np.float64).reshape(-1, 2)
    cell = (places / (gray.shape[1], gray.shape[0]) * CELLS).astype(int)
    number = cell[:, 1] * CELLS + cell[:, 0]
    rank = np.array([int((number[:k] == number[k]).sum()) for k in range(len(number))])
    return places[rank < CORNERS_A_CELL]


def common_motion(before: Image, after: Image, places: Array, guess: Array) -> Array | None:
    """(2, 3) turn, scale and shift that most corners of `before` share; None when too few agree."""
    if len(places) < MIN_CORNERS:
        return None
    start = places.astype(np.float32)
    moved, there = _tracked(before, after, start, apply(guess, places).astype(np.float32))
    again, back = _tracked(after, before, moved, start)
    kept = there & back & (np.hypot(*(again - start).T) < BACK_PIXELS)
    if kept.sum() < MIN_CORNERS:
        return None
    matrix, agree = cv2.estimateAffinePartial2D(
        start[kept], moved[kept], method=cv2.RANSAC, ransacReprojThreshold=RANSAC_PIXELS
    )
    if matrix is None or agree.sum() < max(MIN_CORNERS, MIN_AGREEING * kept.sum()):
        return None
    result: Array = np.asarray(matrix, dtype=np.float64)
    return result


def _tracked(before: Image, after: Image, start: Any, aim: Any) -> tuple[Any, Any]:
    """Where the corners (n, 2) went, looked for round `aim`, and which were found."""
    window: dict[str, Any] = {
        "winSize": (11, 11),
        "maxLevel": 3,
        "criteria": (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 10, 0.03),
        "flags": cv2.OPTFLOW_USE_INITIAL_FLOW,
    }
    moved: Any
    moved, status, _ = cv2.calcOpticalFlowPyrLK(before, after, start, aim.copy(), **window)
    return moved, status.ravel() == 1


def apply(matrix: Array, points: Array) -> Array:
    """Points (..., 2) through an affine (2, 3)."""
    moved: Array = points @ matrix[:, :2].T + matrix[:, 2]
    return moved


def chain(outer: Array, inner: Array) -> Array:
    """The affine that applies `inner`, then `outer`."""
    linear = outer[:, :2] @ inner[:, :2]
    shift = outer[:, :2] @ inner[:, 2] + outer[:, 2]
    return np.column_stack([linear, shift])


def invert(matrix: Array) -> Array:
    """The affine the other way."""
    linear = np.asarray(np.linalg.inv(matrix[:, :2]), dtype=np.float64)
    return np.column_stack([linear, -linear @ matrix[:, 2]])


def scaled(matrix: Array, factor: float) -> Array:
    """The same affine for pictures that are `factor` times as large."""
    return np.column_stack([matrix[:, :2], matrix[:, 2] * factor])


def correlation(a: Image, b: Image) -> float:
    """How alike two pictures are at 32 x 32: 1 the same, 0 nothing in common."""
    small = [cv2.resize(image, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float64).ravel() for image in (a, b)]
    x, y = (values - values.mean() for values in small)
    norm = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / norm if norm > 0 else float(np.allclose(small[0], small[1]))


def unchanged(before: Image, after: Image) -> bool:
    """True when three quarters of the two pictures look alike."""
    difference: Any = cv2.absdiff(cv2.blur(before, (5, 5)), cv2.blur(after, (5, 5)))
    return float(np.percentile(difference, 75)) <= UNCHANGED_LEVEL


def travel(steps: list[Step], width: int, height: int) -> float:
    """The largest way on the wall of the picture's centre or of a quarter's (which a zoom and a turn move too), within
    a scene, in picture heights.
    """
    shares = np.array([(0.5, 0.5), (0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)])
    widest = 0.0
    for scene in {step.scene for step in steps}:
        places = np.array([apply(step.to_wall, shares * (width, height)) for step in steps if step.scene == scene])
        ways = np.ptp(places, axis=0)
        widest = max(widest, float(np.hypot(ways[:, 0], ways[:, 1]).max()) / height)
    return widest


def classify(steps: list[Step], width: int, height: int) -> Camera:
    """`cuts` when there is more than one scene, else `static` or `moving` by the way of the picture on the wall."""
    if steps and steps[-1].scene > steps[0].scene:
        return "cuts"
    return "static" if travel(steps, width, height) <= STATIC_TRAVEL else "moving"


def _wandered(shift: Array, shape: tuple[int, ...]) -> bool:
    height, width = shape[:2]
    centre = np.array([width / 2, height / 2])
    away = float(np.hypot(*(apply(shift, centre) - centre)))
    scale = float(np.sqrt(abs(np.linalg.det(shift[:, :2]))))
    return away > ANCHOR_SHIFT * min(width, height) or not 1 / 1.2 < scale < 1.2
