"""The drawn climber of a probe's clip: a shaded figure, seen from behind, that goes up a wall by a known path.

Coordinates are shares of the picture (x of its width, y of its height, origin top left); times are seconds.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Point = NDArray[np.float64]
Colour = tuple[int, int, int]

# lengths as shares of the body's height
TORSO, UPPER_ARM, FOREARM, THIGH, SHIN = 0.29, 0.17, 0.17, 0.245, 0.245
SHOULDER, HIP_WIDTH = 0.115, 0.07
SKIN, SHIRT, TROUSERS, HAIR, SHOE = (140, 170, 215), (60, 60, 200), (120, 70, 40), (30, 35, 45), (35, 35, 35)
LIMBS = (("hand", -1), ("hand", 1), ("foot", -1), ("foot", 1))


@dataclass(frozen=True, kw_only=True)
class Figure:
    """`size` is (width, height) in pixels, `stature` a share of the height. The hip rises from `low` to `high` in
    `moves` moves, each after a pause; the first `still_s` seconds it stands."""

    size: tuple[int, int] = (360, 640)
    seconds: float = 4.0
    stature: float = 0.40
    low: float = 0.72
    high: float = 0.36
    moves: int = 3
    still_s: float = 0.5
    pause_share: float = 0.25

    def hip(self, t: float) -> tuple[float, float]:
        """The hip centre (x, y) at `t`."""
        x, y = self._hip(t)
        return float(x * self.size[1] / self.size[0]), float(y)

    def draw_on(self, image: Image, t: float) -> None:
        """Draws the figure as it is at `t` into an upright BGR picture of `size`."""
        joints = self._joints(t)
        body = self.stature * self.size[1]
        for side in ("foot-1", "foot1"):
            _limb(image, joints[f"{side}-root"], joints[f"{side}-middle"], body * 0.085, TROUSERS)
            _limb(image, joints[f"{side}-middle"], joints[side], body * 0.06, TROUSERS)
            _limb(image, joints[side], joints[side] + [0, body * 0.015], body * 0.06, SHOE)
        _trunk(image, joints, body)
        for side in ("hand-1", "hand1"):
            _limb(image, joints[f"{side}-root"], joints[f"{side}-middle"], body * 0.055, SHIRT)
            _limb(image, joints[f"{side}-middle"], joints[side], body * 0.045, SKIN)
            _limb(image, joints[side], joints[side], body * 0.05, SKIN)
        _limb(image, joints["neck"], joints["head"], body * 0.05, SKIN)
        _limb(image, joints["head"], joints["head"] - [0, body * 0.02], body * 0.105, HAIR)

    def holds(self) -> list[Point]:
        """Every hold that a hand or a foot uses, (x, y) in units of the picture's height."""
        return [self._hold(limb, move) for limb in range(4) for move in range(self.moves + 1)]

    def _hip(self, t: float) -> Point:
        """In units of the picture's height, both ways."""
        move, eased = self._phase(t)
        start, stop = self._station(move), self._station(move + 1)
        there: Point = start + (stop - start) * eased
        return there

    def _phase(self, t: float) -> tuple[int, float]:
        """(which move, how much of it is done 0..1)."""
        each = (self.seconds - self.still_s) / self.moves
        done = max(0.0, t - self.still_s) / each
        move = min(int(done), self.moves - 1)
        moving = float(np.clip((done - move - self.pause_share) / (1 - self.pause_share), 0, 1))
        return move, moving * moving * (3 - 2 * moving)

    def _station(self, move: int) -> Point:
        """Where the hip rests before move number `move`."""
        sway = 0.05 * self.stature * (0 if move == 0 else 1 if move % 2 else -1)
        middle = self.size[0] / self.size[1] / 2
        return np.array([middle + sway, self.low + (self.high - self.low) * move / self.moves])

    def _hold(self, limb: int, move: int) -> Point:
        """The hold of a limb while the hip is at a station; left hand and right foot move on odd moves."""
        kind, side = LIMBS[limb]
        last = max(0, move - (move + limb // 2 + limb) % 2) if move else 0
        offset = (side * 0.2, -(TORSO + 0.22)) if kind == "hand" else (side * 0.13, 0.36)
        return self._station(last) + np.array(offset) * self.stature

    def _joints(self, t: float) -> dict[str, Point]:
        """In pixels."""
        hip = self._hip(t)
        shoulder = hip - np.array([0, TORSO * self.stature])
        points = {"hip": hip, "neck": shoulder, "head": shoulder - np.array([0, 0.12 * self.stature])}
        move, eased = self._phase(t)
        for limb, (kind, side) in enumerate(LIMBS):
            hand = kind == "hand"
            root = (shoulder if hand else hip) + np.array([side * (SHOULDER if hand else HIP_WIDTH), 0]) * self.stature
            start, stop = self._hold(limb, move), self._hold(limb, move + 1)
            upper, lower = (UPPER_ARM, FOREARM) if hand else (THIGH, SHIN)
            middle, end = _bend(root, start + (stop - start) * eased, upper * self.stature, lower * self.stature, side)
            points |= {f"{kind}{side}-root": root, f"{kind}{side}-middle": middle, f"{kind}{side}": end}
        return {name: point * self.size[1] for name, point in points.items()}


@lru_cache(maxsize=2)
def wall(figure: Figure) -> Image:
    """The wall without anybody: a texture and the holds. The same each time; not to be written to."""
    width, height = figure.size
    grain = np.random.default_rng(7).normal(0, 10, (height // 8 + 1, width // 8 + 1, 1))
    rough = np.asarray(cv2.resize(grain, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.float64)
    image = np.clip(np.full((height, width, 3), (150, 160, 165)) + rough[:, :, None], 0, 255).astype(np.uint8)
    for index, hold in enumerate(figure.holds()):
        centre = tuple(int(part) for part in hold * height * 16)
        colour = ((60, 130, 60), (40, 150, 190), (130, 70, 110))[index % 3]
        cv2.circle(image, centre, int(0.012 * height * 16), colour, -1, cv2.LINE_AA, 4)
    image.setflags(write=False)
    return image


def _bend(root: Point, end: Point, upper: float, lower: float, side: int) -> tuple[Point, Point]:
    """(middle joint, reached end) of a two-bone limb; it bends outwards, and stretches no further than it can."""
    way = end - root
    distance = float(np.hypot(*way)) or 1e-6
    reach = min(distance, (upper + lower) * 0.999)
    way = way / distance
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    out = np.sqrt(max(upper**2 - along**2, 0.0))
    normal = np.array([-way[1], way[0]])
    if normal[0] * side < 0:
        normal = -normal
    return root + way * along + normal * out, root + way * reach


def _trunk(image: Image, joints: dict[str, Point], body: float) -> None:
    neck, hip = joints["neck"], joints["hip"]
    for share, lit in ((1.0, 0.75), (0.7, 1.0), (0.3, 1.2)):
        across, waist = np.array([body * SHOULDER * share, 0]), np.array([body * 0.085 * share, 0])
        outline = np.array([neck - across, neck + across, hip + waist, hip - waist])
        cv2.fillPoly(image, [(outline * 16).astype(np.int32)], _lit(SHIRT, lit), cv2.LINE_AA, 4)
    _limb(image, joints["foot-1-root"], joints["foot1-root"], body * 0.08, TROUSERS)


def _limb(image: Image, start: Point, end: Point, width: float, colour: Colour) -> None:
    for share, lit in ((1.0, 0.75), (0.65, 1.0), (0.3, 1.2)):
        a, b = ((point * 16).astype(int).tolist() for point in (start, end))
        cv2.line(image, a, b, _lit(colour, lit), max(1, round(width * share)), cv2.LINE_AA, 4)


def _lit(colour: Colour, light: float) -> Colour:
    blue, green, red = (min(255, int(part * light)) for part in colour)
    return blue, green, red
