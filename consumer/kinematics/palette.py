"""The colours of everything that is drawn, BGR, and the speed's colours from slow to fast."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.result import Measurement, PhaseKind, TrackPoint

Colour = tuple[int, int, int]

WHITE: Final[Colour] = (255, 255, 255)
BLACK: Final[Colour] = (0, 0, 0)
RING: Final[Colour] = (0, 212, 255)
REST: Final[Colour] = (255, 178, 127)
HESITATION: Final[Colour] = (0, 165, 255)
DROP: Final[Colour] = (60, 60, 230)
PHASES: Final[dict[PhaseKind, Colour]] = {
    "no_climber": (90, 90, 90),
    "ground": (150, 150, 150),
    "on_wall": (110, 190, 90),
    "off_wall": DROP,
}
# from slow to fast, growing lighter and warmer: told apart by the colour-blind, and seen on white and on dark walls
SPEEDS: Final = np.array([(235, 100, 30), (190, 60, 200), (45, 110, 250)], dtype=np.float64)
LINE_GAP_S: Final = 0.75


def of_speed(share: float) -> Colour:
    """`share` 0..1 of the clip's own fast end (`fast_end`)."""
    place = min(1.0, max(0.0, share)) * (len(SPEEDS) - 1)
    low = min(int(place), len(SPEEDS) - 2)
    mixed = SPEEDS[low] + (SPEEDS[low + 1] - SPEEDS[low]) * (place - low)
    blue, green, red = (round(float(part)) for part in mixed)
    return blue, green, red


def speeds(track: tuple[TrackPoint, ...], aspect: float) -> NDArray[np.float64]:
    """(n,) speed on the wall into each point, torso lengths a second; 0 for the first and after a gap."""
    speed = np.zeros(len(track))
    unit = usual_torso(track)
    for k in range(1, len(track)):
        a, b = track[k - 1], track[k]
        if 0 < b.t - a.t <= LINE_GAP_S:
            dx = ((b.wall_x or 0) - (a.wall_x or 0)) * aspect
            dy = (b.wall_y or 0) - (a.wall_y or 0)
            speed[k] = float(np.hypot(dx, dy)) / unit / (b.t - a.t)
    return speed


def fast_end(measured: Measurement, speed: NDArray[np.float64]) -> float:
    """The speed that is drawn as fast: the 95th percentile on the wall, or of all there is."""
    walls = [phase for phase in measured.phases if phase.kind == "on_wall"]
    there = np.array([any(w.t0 <= point.t <= w.t1 for w in walls) for point in measured.track], dtype=np.bool_)
    known = speed[there & (speed > 0)] if there.any() else speed[speed > 0]
    return float(np.percentile(known, 95)) if len(known) else 1.0


def usual_torso(track: tuple[TrackPoint, ...]) -> float:
    """The torso length as a share of the picture's height."""
    return float(np.median([point.torso for point in track])) if track else 1.0
