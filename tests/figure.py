"""A drawn climber whose hip path is known, for tests of whatever measures a climber.

A shaded figure of human proportions, seen from behind, on a textured wall with holds: walks in, climbs with pauses,
its hands and feet on holds while it rests. This file belongs to the tests of the kinematics as much as to those of
the media code: make the figure better where the analyzer needs it, and keep `hip` and `torso` true.
Coordinates are shares of the picture (x of its width, y of its height, origin top left); times are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.clips import H264, Encoding, Image, write_clip

Point = NDArray[np.float64]
Background = Literal["holds", "bare", "bricks", "dark"]

# lengths as shares of the body's height
HEAD, TORSO, UPPER_ARM, FOREARM, THIGH, SHIN = 0.13, 0.29, 0.17, 0.17, 0.245, 0.245
SHOULDER, HIP_WIDTH = 0.115, 0.07
PLAIN = (40, 60, 200)
SKIN, SHIRT, TROUSERS, HAIR, SHOE = (140, 170, 215), (60, 60, 200), (120, 70, 40), (30, 35, 45), (35, 35, 35)


@dataclass(frozen=True, kw_only=True)
class Climber:
    """The whole movement, as numbers. `size` is (width, height) in pixels, `stature` a share of the height, `place`
    where he climbs, as a share of the width. `wall` is what is behind him; `plain` draws him in flat sticks, as no
    photograph shows anybody.
    """

    size: tuple[int, int] = (540, 960)
    seconds: float = 8.0
    stature: float = 0.36
    walk_s: float = 1.6
    moves: int = 5
    pause_share: float = 0.45
    seed: int = 7
    place: float = 0.5
    background: Background = "holds"
    plain: bool = False
    shirt: tuple[int, int, int] = SHIRT

    @property
    def aspect(self) -> float:
        return self.size[0] / self.size[1]

    @property
    def torso(self) -> float:
        """Hip centre to shoulder centre, as a share of the picture's height."""
        return TORSO * self.stature

    def hip(self, t: float) -> tuple[float, float]:
        """The hip centre (x, y) at `t`, 0..1 of the picture."""
        x, y = self._hip(t)
        return float(x / self.aspect), float(y)

    def on_wall(self, t: float) -> bool:
        return t > self.walk_s

    def picture(self, t: float) -> Image:
        """The upright BGR picture at `t`."""
        return self.on(_wall(self).copy(), t)

    def on(self, image: Image, t: float) -> Image:
        """The picture (of this climber's size), drawn upon."""
        joints, body = self._joints(t), self.stature * self.size[1]
        if self.plain:
            _draw_plain(image, joints, body)
        else:
            _draw(image, joints, body, self.shirt)
        return image

    def wall(self) -> Image:
        """The wall without anybody, upright BGR."""
        return _wall(self).copy()

    def _hip(self, t: float) -> Point:
        """In units of the picture's height, both ways."""
        stand = np.array([self._wall_x, 0.95 - (THIGH + SHIN) * self.stature])
        if t <= self.walk_s:
            left = (1 - max(t, 0) / self.walk_s) * (self._wall_x + 0.1 * self.stature)
            walked: Point = stand - np.array([left, 0])
            return walked
        move, eased = self._phase(t)
        start, stop = self._station(move), self._station(move + 1)
        there: Point = start + (stop - start) * eased
        return there

    @property
    def _wall_x(self) -> float:
        return self.aspect * self.place

    def _phase(self, t: float) -> tuple[int, float]:
        """(which move, how much of it is done 0..1); each move begins with its pause."""
        each = (self.seconds - self.walk_s) / self.moves
        move = min(int((t - self.walk_s) / each), self.moves - 1)
        share = (t - self.walk_s) / each - move
        moving = np.clip((share - self.pause_share) / (1 - self.pause_share), 0, 1)
        return move, float(moving * moving * (3 - 2 * moving))

    def _station(self, move: int) -> Point:
        """Where the hip rests before move number `move`."""
        ground = 0.95 - (THIGH + SHIN) * self.stature
        top = 0.06 + (0.2 + TORSO + UPPER_ARM) * self.stature
        sway = 0.0 if move == 0 else 0.06 * self.stature * (1 if move % 2 else -1)
        return np.array([self._wall_x + sway, ground + (top - ground) * move / self.moves])

    def _hold(self, limb: int, move: int) -> Point:
        """The hold of limb 0..3 (left hand, right hand, left foot, right foot) while the hip is at a station."""
        side = -1 if limb % 2 == 0 else 1
        hand = limb < 2
        # left hand and right foot move on odd moves, the others on even ones
        last = move - (move + limb // 2 + limb) % 2 if move else 0
        offset = (0.2, -(TORSO + 0.22)) if hand else (0.13, 0.36)
        if last <= 0 and not hand:
            offset = (0.08, THIGH + SHIN)
        return self._station(max(last, 0)) + np.array([side * offset[0], offset[1]]) * self.stature

    def holds(self) -> list[Point]:
        """Every hold that a hand or a foot uses, (x, y) in units of the picture's height."""
        return [self._hold(limb, move) for limb in range(4) for move in range(1, self.moves + 1)]

    def _joints(self, t: float) -> dict[str, Point]:
        hip = self._hip(t)
        scale = self.size[1]
        shoulder = hip - np.array([0, TORSO * self.stature])
        points = {"hip": hip, "neck": shoulder, "head": shoulder - np.array([0, 0.12 * self.stature])}
        for limb, name in enumerate(("left_hand", "right_hand", "left_foot", "right_foot")):
            side = -1 if limb % 2 == 0 else 1
            hand = limb < 2
            root = (shoulder if hand else hip) + np.array([side * (SHOULDER if hand else HIP_WIDTH), 0]) * self.stature
            end = self._limb_end(limb, t)
            upper, lower = (UPPER_ARM, FOREARM) if hand else (THIGH, SHIN)
            middle, end = _bend(root, end, upper * self.stature, lower * self.stature, side)
            points |= {f"{name}_root": root, f"{name}_middle": middle, name: end}
        return {name: point * scale for name, point in points.items()}

    def _limb_end(self, limb: int, t: float) -> Point:
        if t > self.walk_s:
            move, eased = self._phase(t)
            start, stop = self._hold(limb, move), self._hold(limb, move + 1)
            lift = np.array([0, -0.05 * self.stature * np.sin(np.pi * eased) * bool(np.any(start != stop))])
            moved: Point = start + (stop - start) * eased + lift
            return moved
        swing = np.sin(2 * np.pi * 1.6 * t + np.pi * (limb in (0, 3)))
        side = -1 if limb % 2 == 0 else 1
        reach = (0.14, 0.02, 0.04) if limb < 2 else (0.05, THIGH + SHIN, 0.10)
        stepping = max(0.0, float(swing)) * 0.04 if limb >= 2 else 0
        swung: Point = self._hip(t) + np.array([side * reach[0] + swing * reach[2], reach[1] - stepping]) * self.stature
        return swung


@lru_cache(maxsize=4)
def _wall(climber: Climber) -> Image:
    width, height = climber.size
    rng = np.random.default_rng(climber.seed)
    noise = rng.normal(0, 1, (max(2, height // 24), max(2, width // 24), 1)).astype(np.float32)
    grain = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)[..., None] * 9
    grain = grain + rng.normal(0, 4, (height, width, 1))
    colour = (40, 38, 36) if climber.background == "dark" else (150, 165, 170)
    wall = np.clip(np.array(colour) + grain, 0, 255).astype(np.uint8)
    if climber.background == "bricks":
        _bricks(wall)
    if climber.background != "bare":
        _strew(wall, climber, rng)
    floor = int(height * 0.95)
    wall[floor:] = (wall[floor:] * np.array([0.55, 0.4, 0.35])).astype(np.uint8)
    return wall


def _strew(wall: Image, climber: Climber, rng: np.random.Generator) -> None:
    width, height = climber.size
    strewn = [rng.uniform(0, 1, 2) * (width, height * 0.93) for _ in range(30)]
    for centre in strewn + [hold * height for hold in climber.holds()]:
        axes = (int(rng.uniform(0.006, 0.016) * height), int(rng.uniform(0.005, 0.011) * height))
        colour = rng.uniform(30, 220, 3).tolist()
        at = (int(centre[0]), int(centre[1]))
        cv2.ellipse(wall, at, axes, rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)


def _bricks(wall: Image) -> None:
    """Everything alike, everywhere: what a tracker of corners likes least."""
    height, width = wall.shape[:2]
    step = max(8, height // 24)
    for row, y in enumerate(range(0, height, step)):
        cv2.line(wall, (0, y), (width, y), (90, 95, 120), 2)
        for x in range(step if row % 2 else 0, width, 2 * step):
            cv2.line(wall, (x, y), (x, y + step), (90, 95, 120), 2)


def drawn_climber(path: Path, climber: Climber | None = None, *, fps: int = 30, encoding: Encoding = H264) -> Climber:
    """Encodes the climb to `path` and returns the climber, whose `hip(t)` and `torso` are the truth."""
    climber = climber or Climber()
    pictures = (climber.picture(index / fps) for index in range(round(climber.seconds * fps)))
    write_clip(path, pictures, replace(encoding, fps=fps, options={**encoding.options, "crf": "23"}))
    return climber


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


def _draw(image: Image, joints: dict[str, Point], body: float, shirt: tuple[int, int, int]) -> None:
    for name in ("left_foot", "right_foot"):
        _limb(image, joints[f"{name}_root"], joints[f"{name}_middle"], body * 0.085, TROUSERS)
        _limb(image, joints[f"{name}_middle"], joints[name], body * 0.06, TROUSERS)
        _limb(image, joints[name], joints[name] + [0, body * 0.015], body * 0.06, SHOE)
    _trunk(image, joints, body, shirt)
    for name in ("left_hand", "right_hand"):
        _limb(image, joints[f"{name}_root"], joints[f"{name}_middle"], body * 0.055, shirt)
        _limb(image, joints[f"{name}_middle"], joints[name], body * 0.042, SKIN)
        _limb(image, joints[name], joints[name], body * 0.05, SKIN)
    _limb(image, joints["neck"], joints["head"], body * 0.05, SKIN)
    _limb(image, joints["head"], joints["head"] - [0, body * 0.02], body * 0.105, HAIR)


def _draw_plain(image: Image, joints: dict[str, Point], body: float) -> None:
    """One colour, no shading: a drawing, for whatever does not need a photograph."""
    thick = max(2, round(body * 0.07))

    def line(a: Point, b: Point) -> None:
        cv2.line(image, a.round().astype(int).tolist(), b.round().astype(int).tolist(), PLAIN, thick, cv2.LINE_AA)

    for name in ("left_hand", "right_hand", "left_foot", "right_foot"):
        line(joints[f"{name}_root"], joints[f"{name}_middle"])
        line(joints[f"{name}_middle"], joints[name])
    line(joints["left_hand_root"], joints["right_hand_root"])
    line(joints["neck"], joints["hip"])
    line(joints["left_foot_root"], joints["right_foot_root"])
    cv2.circle(image, joints["head"].round().astype(int).tolist(), round(body * 0.06), PLAIN, -1, cv2.LINE_AA)


def _trunk(image: Image, joints: dict[str, Point], body: float, shirt: tuple[int, int, int]) -> None:
    for share, lit in ((1.0, 0.75), (0.7, 1.0), (0.3, 1.2)):
        across = np.array([body * SHOULDER * share, 0])
        waist = np.array([body * 0.085 * share, 0])
        neck, hip = joints["neck"], joints["hip"]
        outline = np.array([neck - across, neck + across, hip + waist, hip - waist])
        cv2.fillPoly(image, [(outline * 16).astype(np.int32)], _lit(shirt, lit), cv2.LINE_AA, 4)
    _limb(image, joints["left_foot_root"], joints["right_foot_root"], body * 0.08, TROUSERS)


def _limb(image: Image, start: Point, end: Point, width: float, colour: tuple[int, int, int]) -> None:
    for share, lit in ((1.0, 0.75), (0.65, 1.0), (0.3, 1.2)):
        a, b = ((point * 16).astype(int).tolist() for point in (start, end))
        # thickness is whole pixels: the round ends of cv2.line hide the joints
        cv2.line(image, a, b, _lit(colour, lit), max(1, round(width * share)), cv2.LINE_AA, 4)


def _lit(colour: tuple[int, int, int], light: float) -> tuple[int, int, int]:
    blue, green, red = (min(255, int(part * light)) for part in colour)
    return blue, green, red
