"""Which of the people in a clip is the climber: the one who climbs longest, else who comes farthest.

Somebody who was lost and found again is another identity; so is a passer-by. They are ranked, and each keeps the
time from his first picture to his last for himself: a lower one fills only what is left.
"""

import numpy as np

from consumer.kinematics.body import Body
from consumer.kinematics.climbs import by_posture
from consumer.kinematics.scan import Sample
from consumer.kinematics.sightings import Array, by_pose
from consumer.kinematics.track import follow

Bodies = list[Body | None]

# beside somebody's time, for so long nobody who was seen together with him is taken for him
BESIDE_S = 1.5


def pick(samples: list[Sample]) -> Bodies:
    """The climber's body in each sample, or None."""
    if all(len(sample.bodies) <= 1 for sample in samples):
        return [sample.bodies[0] if sample.bodies else None for sample in samples]
    spans: list[tuple[float, float]] = []
    chosen: Bodies = [None] * len(samples)
    for one in sorted(_identities(samples), key=lambda one: claim(samples, one), reverse=True):
        bodies = only(samples, one)
        times = [sample.t for sample, body in zip(samples, bodies, strict=True) if body is not None]
        taken = [_kept_for_himself(span, times) for span in spans]
        mine = [
            k
            for k, body in enumerate(bodies)
            if body is not None and not any(low <= samples[k].t <= high for low, high in taken)
        ]
        for k in mine:
            chosen[k] = bodies[k]
        if mine:
            spans.append((samples[mine[0]].t, samples[mine[-1]].t))
    return chosen


def _kept_for_himself(span: tuple[float, float], times: list[float]) -> tuple[float, float]:
    """Somebody's time as it is closed to another: to one who was seen beside him, a little longer at both ends."""
    low, high = span
    beside = any(low <= t <= high for t in times)
    return (low - BESIDE_S, high + BESIDE_S) if beside else span


def only(samples: list[Sample], identity: int) -> Bodies:
    """One person's body in each sample, or None."""
    return [next((body for body in sample.bodies if body.identity == identity), None) for sample in samples]


def claim(samples: list[Sample], identity: int) -> tuple[float, float]:
    """(seconds on the wall, way of the hips in torso lengths): the larger, the more he is the climber."""
    seen = by_pose(samples, only(samples, identity))
    unit = float(np.nanmedian(seen.torso))
    climbs = by_posture(seen, follow(seen, unit))
    wall = float(sum(seen.t[last] - seen.t[first] for first, last in climbs.attempts))
    return wall, _reach(seen.hip[seen.seen]) / unit


def _reach(places: Array) -> float:
    return float(np.hypot(*np.ptp(places, axis=0)))


def _identities(samples: list[Sample]) -> list[int]:
    return sorted({body.identity for sample in samples for body in sample.bodies})
