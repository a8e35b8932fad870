"""What the drawing needs besides the track: where the wall is in each picture, and the body in the kept frames."""

from typing import Final

import numpy as np

from consumer.kinematics.body import Body
from consumer.kinematics.camera import invert
from consumer.kinematics.climber import Bodies
from consumer.kinematics.scan import Sample
from consumer.kinematics.sightings import Array, Sightings
from core.result import CameraPoint, Frame, Joint, JointName, Skeleton

# picture heights, or a part of one in size: less is an encoder's noise
MOVED = 0.004
# a frame's body is put between those of the samples round it, if they are this near
NEAR_S = 0.16
# the places of the joints among the model's 33 landmarks
JOINTS: Final[dict[JointName, int]] = {
    "nose": 0,
    "left_shoulder": 11,
    "right_shoulder": 12,
    "left_elbow": 13,
    "right_elbow": 14,
    "left_wrist": 15,
    "right_wrist": 16,
    "left_fingers": 19,
    "right_fingers": 20,
    "left_hip": 23,
    "right_hip": 24,
    "left_knee": 25,
    "right_knee": 26,
    "left_ankle": 27,
    "right_ankle": 28,
    "left_toes": 31,
    "right_toes": 32,
}


def camera_path(seen: Sightings) -> tuple[CameraPoint, ...]:
    """Wall to picture for each sample; empty where the camera stood still."""
    still = np.abs(seen.to_wall - np.eye(2, 3)).max(initial=0) < MOVED
    if still and not np.ptp(seen.scene):
        return ()
    return tuple(_point(float(t), int(scene), invert(m)) for t, scene, m in zip(*_of(seen), strict=True))


def _of(seen: Sightings) -> tuple[Array, Array, Array]:
    return seen.t, seen.scene.astype(np.float64), seen.to_wall


def _point(t: float, scene: int, matrix: Array) -> CameraPoint:
    a, b, dx, dy = (round(float(value), 5) for value in (matrix[0, 0], matrix[1, 0], matrix[0, 2], matrix[1, 2]))
    return CameraPoint(t=round(t, 3), scene=scene, a=a, b=b, dx=dx, dy=dy)


def skeletons(samples: list[Sample], bodies: Bodies, frames: tuple[Frame, ...]) -> tuple[Skeleton, ...]:
    """The climber's body in each frame in which he was seen."""
    t = np.array([sample.t for sample in samples])
    told = []
    for frame in frames:
        after = min(int(np.searchsorted(t, frame.t)), len(t) - 1)
        body = _between(samples, bodies, max(0, after - 1), after, frame.t)
        if body is not None:
            points, visibility = body
            told.append(Skeleton(frame_id=frame.id, t=frame.t, joints=_joints(points, visibility, samples[after])))
    return tuple(told)


def _between(samples: list[Sample], bodies: Bodies, a: int, b: int, t: float) -> tuple[Array, Array] | None:
    """(points, visibility) at `t` between two samples of one person; the nearest alone where the other lacks."""
    near = [(samples[k].t, body) for k in (a, b) if (body := bodies[k]) is not None and abs(samples[k].t - t) <= NEAR_S]
    if not near:
        return None
    (t0, first), (t1, second) = near[0], near[-1]
    if t1 <= t0 or first.identity != second.identity:
        nearest: Body = min(near, key=lambda one: abs(one[0] - t))[1]
        return nearest.points, nearest.visibility
    share = min(1.0, max(0.0, (t - t0) / (t1 - t0)))
    return first.points + (second.points - first.points) * share, np.minimum(first.visibility, second.visibility)


def _joints(points: Array, visibility: Array, sample: Sample) -> tuple[Joint, ...]:
    return tuple(
        Joint(
            name=name,
            x=round(float(points[k, 0]) / sample.width, 4),
            y=round(float(points[k, 1]) / sample.height, 4),
            confidence=round(float(visibility[k]), 3),
        )
        for name, k in JOINTS.items()
    )
