"""Sightings made of plain numbers: a person of torso length .1 picture heights, 10 samples a second."""

from collections.abc import Callable

import numpy as np

from consumer.kinematics.sightings import Array, Sightings

TORSO = 0.1
HZ = 10.0

# (x, y) in torso lengths, y upwards, from the lower left corner
Place = tuple[float, float]


def sightings(
    seconds: float,
    hip: Callable[[float], Place],
    *,
    hands: Callable[[float], tuple[Place, Place]] | None = None,
    feet: Callable[[float], tuple[Place, Place]] | None = None,
    trust: float = 0.9,
    size: Callable[[float], float] = lambda _: 1.0,
    seen: Callable[[float], bool] = lambda _: True,
) -> Sightings:
    """What a perfect pose model would have seen. Hands hang and feet stand below the hips unless told otherwise."""
    t = np.arange(0, seconds, 1 / HZ)
    n = len(t)
    hips = np.array([hip(now) for now in t], dtype=np.float64)
    here = np.array([seen(now) for now in t])
    sizes = np.array([size(now) for now in t])
    hand = [hands(now) if hands else _beside(hip(now), 0.4, 0.0) for now in t]
    foot = [feet(now) if feet else _beside(hip(now), 0.2, -1.7) for now in t]
    shoulder = hips + np.stack([np.zeros(n), sizes], axis=1)
    return Sightings(
        t=t,
        to_wall=np.tile(np.eye(2, 3), (n, 1, 1)),
        picture=_wall(hips, here),
        hip=_wall(hips, here),
        shoulder=_wall(shoulder, here),
        torso=np.where(here, sizes * TORSO, np.nan),
        wrists=_wall(np.array(hand, dtype=np.float64), here),
        fingers=_wall(np.array(hand, dtype=np.float64), here),
        ankles=_wall(np.array(foot, dtype=np.float64), here),
        trust=np.where(here, trust, 0.0),
        hand_trust=np.where(here[:, None], np.full((n, 2), trust), 0.0),
        foot_trust=np.where(here[:, None], np.full((n, 2), trust), 0.0),
        identity=np.where(here, 1, -1).astype(np.int64),
        scene=np.zeros(n, dtype=np.int64),
        somebody=here,
    )


def climbing(seconds: float, hip: Callable[[float], Place]) -> Sightings:
    """Hands fixed two torso lengths over where the hips were at each whole second, feet under them."""
    return sightings(
        seconds,
        hip,
        hands=lambda t: _beside(hip(np.floor(t)), 0.4, 1.6),
        feet=lambda t: _beside(hip(np.floor(t)), 0.3, -1.2),
    )


def _beside(place: Place, aside: float, up: float) -> tuple[Place, Place]:
    x, y = place
    return (x - aside, y + up), (x + aside, y + up)


def _wall(places: Array, here: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Array:
    down = (np.array([0.0, 1.0]) + places * (TORSO, -TORSO)).astype(np.float64)
    down[~here] = np.nan
    return down
