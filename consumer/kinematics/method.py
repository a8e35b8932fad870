"""Which of the two ways of seeing is good enough: pose, then motion (static camera only), then neither."""

from dataclasses import dataclass

import numpy as np

from consumer.kinematics.scan import Scan
from consumer.kinematics.sightings import Array, Sightings, by_motion, by_pose
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
    """What every number stands on: the method, what it saw, how sure it is, and the codes of what went wrong."""

    method: Method
    seen: Sightings
    confidence: float
    pose_rate: float
    codes: tuple[str, ...]

    @property
    def reason(self) -> str:
        """Why nothing can be measured; only for `insufficient`."""
        return self.codes[0]


def choose(scan: Scan) -> Ground:
    """The best method that the clip allows."""
    pose = by_pose(scan.samples)
    found = float(np.mean([sample.camera_found for sample in scan.samples]))
    rate = pose.rate
    if not pose.somebody.any():
        return Ground(method="insufficient", seen=pose, confidence=0, pose_rate=0, codes=("NO_CLIMBER",))
    if scan.frozen:
        return Ground(method="insufficient", seen=pose, confidence=0, pose_rate=rate, codes=("NOTHING_MOVES",))
    codes = _circumstances(scan, found)
    if rate >= MIN_RATE:
        sure = rate * float(pose.trust[pose.seen].mean()) * found
        return Ground(method="pose", seen=pose, confidence=sure, pose_rate=rate, codes=codes)
    motion = by_motion(scan.samples)
    if scan.camera == "static" and motion.rate >= MIN_RATE:
        sure = motion.rate * float(motion.trust[motion.seen].mean()) * found
        low = ("MOTION_ONLY", "POSE_TOO_RARE", *codes)
        return Ground(method="motion_track", seen=motion, confidence=sure, pose_rate=rate, codes=low)
    why = ("POSE_TOO_RARE", *(("CAMERA_MOVED",) if scan.camera == "moving" else ()), *codes)
    return Ground(method="insufficient", seen=pose, confidence=0, pose_rate=rate, codes=why)


def _circumstances(scan: Scan, found: float) -> tuple[str, ...]:
    height = climber_height(scan)
    conditions = (
        ("CAMERA_CUTS", scan.camera == "cuts"),
        ("CAMERA_LOST", found < MIN_CAMERA_FOUND),
        ("SEVERAL_PEOPLE", second_person_share(scan) >= SECOND_PERSON_SHARE),
        ("SMALL_CLIMBER", height is not None and height < SMALL_HEIGHT),
    )
    return tuple(code for code, holds in conditions if holds)


def climber_height(scan: Scan) -> float | None:
    """The usual height of the body's box in picture heights; None when no body was seen."""
    heights: list[float] = []
    for sample in scan.samples:
        if sample.body is not None:
            _, top, _, bottom = sample.body.box
            heights.append((bottom - top) / sample.height)
    return float(np.median(np.array(heights))) if heights else None


def second_person_share(scan: Scan) -> float:
    """The share of the samples with a body in which something of his size moves well away from him."""
    with_body = [sample for sample in scan.samples if sample.body is not None]
    second = 0
    for sample in with_body:
        assert sample.body is not None  # noqa: S101  filtered above; mypy cannot see it
        x0, y0, x1, y1 = sample.body.box
        scale: Array = np.array([sample.width, sample.height], dtype=np.float64)
        (left, top), (right, bottom) = np.array([x0, y0]) / scale, np.array([x1, y1]) / scale
        second += any(
            blob.moves
            and blob.height >= SECOND_PERSON_SIZE * (bottom - top)
            and (blob.x1 < left or blob.x0 > right or blob.y1 < top or blob.y0 > bottom)
            and blob.height >= 0.8 * (blob.x1 - blob.x0)
            for blob in sample.blobs
        )
    return second / len(with_body) if with_body else 0.0
