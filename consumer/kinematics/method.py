"""Which of the two ways of seeing is good enough: pose, then motion (static camera only), then neither."""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.body import Body
from consumer.kinematics.climber import Bodies, pick
from consumer.kinematics.scan import Sample, Scan
from consumer.kinematics.sightings import Sightings, by_motion, by_pose
from core.result import Method

# domain research: under this rate the pose is luck
MIN_RATE = 0.5
# the share of a clip's time for which a second person must move to be mentioned
SECOND_PERSON_SHARE = 0.25
# and how large he must be beside the one who is followed
SECOND_PERSON_SIZE = 0.3
# measured: the detector misses climbers of less than about a third, and of a fifth even on a plain wall
SMALL_HEIGHT = 0.2
MIN_CAMERA_FOUND = 0.95
# shorter than this, something that moved is not somebody
MIN_SOMEBODY_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What every number stands on: the method, what it saw, how sure it is, and the codes of what went wrong.

    `bodies` has the climber's body in each sample, or None.
    """

    method: Method
    seen: Sightings
    bodies: Bodies
    confidence: float
    pose_rate: float
    codes: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why nothing can be measured; only for `insufficient`."""
        return self.codes[0]


def choose(scan: Scan) -> Ground:
    """The best method that the clip allows."""
    bodies = pick(scan.samples)
    pose = by_pose(scan.samples, bodies)
    found = float(np.mean([sample.camera_found for sample in scan.samples]))
    rate = pose.rate

    def ground(method: Method, seen: Sightings, sure: float, codes: tuple[str, ...]) -> Ground:
        return Ground(method=method, seen=seen, bodies=bodies, confidence=sure, pose_rate=rate, codes=codes)

    if not pose.somebody.any():
        return ground("insufficient", pose, 0, ("NO_CLIMBER",))
    if scan.frozen:
        return ground("insufficient", pose, 0, ("NOTHING_MOVES",))
    codes = _circumstances(scan, bodies, found)
    if found < MIN_RATE:
        # what stays in its place and what moves cannot be told apart
        lost = tuple(code for code in codes if code != "CAMERA_LOST")
        return ground("insufficient", pose, 0, ("CAMERA_LOST", *lost))
    if rate >= MIN_RATE:
        return ground("pose", pose, rate * float(pose.trust[pose.seen].mean()) * found, codes)
    motion = by_motion(scan.samples)
    if scan.camera == "static" and motion.rate >= MIN_RATE:
        sure = motion.rate * float(motion.trust[motion.seen].mean()) * found
        return ground("motion_track", motion, sure, ("MOTION_ONLY", "POSE_TOO_RARE", *codes))
    why = ("POSE_TOO_RARE", *(("CAMERA_MOVED",) if scan.camera == "moving" else ()), *codes)
    return ground("insufficient", pose, 0, why)


def _circumstances(scan: Scan, bodies: Bodies, found: float) -> tuple[str, ...]:
    height = climber_height(scan.samples, bodies)
    conditions = (
        ("CAMERA_CUTS", scan.camera == "cuts"),
        ("CAMERA_LOST", found < MIN_CAMERA_FOUND),
        ("SEVERAL_PEOPLE", second_person_share(scan.samples, bodies) >= SECOND_PERSON_SHARE),
        ("SMALL_CLIMBER", height is not None and height < SMALL_HEIGHT),
    )
    return tuple(code for code, holds in conditions if holds)


def climber_height(samples: list[Sample], bodies: Bodies) -> float | None:
    """The usual height of the body's box in picture heights; None when no body was seen."""
    heights: list[float] = []
    for sample, body in zip(samples, bodies, strict=True):
        if body is not None:
            _, top, _, bottom = body.box
            heights.append((bottom - top) / sample.height)
    return float(np.median(np.array(heights))) if heights else None


def second_person_share(samples: list[Sample], bodies: Bodies) -> float:
    """The share of the samples with a climber in which somebody else is followed, or moves well away from him."""
    pairs = [(sample, body) for sample, body in zip(samples, bodies, strict=True) if body is not None]
    second = sum(len(sample.bodies) > 1 or _moves_elsewhere(sample, body) for sample, body in pairs)
    return second / len(pairs) if pairs else 0.0


def _moves_elsewhere(sample: Sample, body: Body) -> bool:
    x0, y0, x1, y1 = body.box
    left, right, top, bottom = x0 / sample.width, x1 / sample.width, y0 / sample.height, y1 / sample.height
    return any(
        blob.moves
        and blob.height >= SECOND_PERSON_SIZE * (bottom - top)
        and (blob.x1 < left or blob.x0 > right or blob.y1 < top or blob.y0 > bottom)
        and blob.height >= 0.8 * (blob.x1 - blob.x0)
        for blob in sample.blobs
    )
