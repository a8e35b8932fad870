"""What was seen of the climber, sample by sample, by one of the two methods, in coordinates of the wall."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consumer.kinematics.blob import Blob
from consumer.kinematics.body import ANKLES, FINGERS, WRISTS, Body
from consumer.kinematics.camera import apply, scaled
from consumer.kinematics.scan import Sample

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ids = NDArray[np.int64]

# standing height over shoulder-to-hip length (Drillis and Contini 1966: .818 H - .530 H)
BODY_PER_TORSO = 1 / 0.288
# the blob's middle is half a torso length from the hips (measured on six static clips: medians .30 to .63)
BLOB_TRUST = 0.5
# a blob's way between two samples, in its own heights, that is still the same blob
SAME_BLOB = 0.5


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """N samples; NaN where nothing was seen. Lengths in picture heights, on the wall, y downwards.

    `to_wall` (N, 2, 3) maps picture to wall, both in picture heights. `picture` (N, 2) is the hip centre in 0..1 of
    the picture; `hip`, `shoulder` (N, 2), `wrists`, `fingers`, `ankles` (N, 2, 2; left, right) are on the wall, as is
    `torso` (N,). `trust` (N,), `hand_trust`, `foot_trust` (N, 2) are the model's visibilities, 0 where there are no
    limbs. `identity` (N,) is -1 where nobody was seen; it changes with the person and with the `scene` (N,). `somebody`
    (N,): a person, or something that moves and is as large as one, was there.
    """

    t: Array
    to_wall: Array
    picture: Array
    hip: Array
    shoulder: Array
    torso: Array
    wrists: Array
    fingers: Array
    ankles: Array
    trust: Array
    hand_trust: Array
    foot_trust: Array
    identity: Ids
    scene: Ids
    somebody: Flags

    @property
    def seen(self) -> Flags:
        return self.identity >= 0

    @property
    def rate(self) -> float:
        """The share of the samples with somebody in which he was seen; 0 when nobody ever was there."""
        there = int(self.somebody.sum())
        return float((self.seen & self.somebody).sum()) / there if there else 0.0


def _empty(samples: list[Sample]) -> Sightings:
    n = len(samples)
    return Sightings(
        t=np.array([sample.t for sample in samples], dtype=np.float64),
        to_wall=np.stack([scaled(sample.to_wall, 1 / sample.height) for sample in samples]),
        picture=np.full((n, 2), np.nan),
        hip=np.full((n, 2), np.nan),
        shoulder=np.full((n, 2), np.nan),
        torso=np.full(n, np.nan),
        wrists=np.full((n, 2, 2), np.nan),
        fingers=np.full((n, 2, 2), np.nan),
        ankles=np.full((n, 2, 2), np.nan),
        trust=np.zeros(n),
        hand_trust=np.zeros((n, 2)),
        foot_trust=np.zeros((n, 2)),
        identity=np.full(n, -1, dtype=np.int64),
        scene=np.array([sample.scene for sample in samples], dtype=np.int64),
        somebody=np.array([bool(s.bodies) or any(blob.moves for blob in s.blobs) for s in samples], dtype=np.bool_),
    )


def by_pose(samples: list[Sample], bodies: Sequence[Body | None]) -> Sightings:
    """The climber as the pose model saw him; `bodies` has his body in each sample, or None."""
    seen = _empty(samples)
    for k, (sample, body) in enumerate(zip(samples, bodies, strict=True)):
        if body is not None:
            _place_body(seen, k, sample, body)
    return seen


def _place_body(seen: Sightings, k: int, sample: Sample, body: Body) -> None:
    def wall(points: Array) -> Array:
        return apply(sample.to_wall, points) / sample.height

    seen.picture[k] = body.hip / (sample.width, sample.height)
    seen.hip[k] = wall(body.hip)
    seen.shoulder[k] = wall(body.shoulder)
    seen.torso[k] = float(np.hypot(*(seen.hip[k] - seen.shoulder[k])))
    seen.wrists[k] = wall(body.points[list(WRISTS)])
    seen.fingers[k] = wall(body.points[list(FINGERS)])
    seen.ankles[k] = wall(body.points[list(ANKLES)])
    seen.trust[k] = body.trunk_visibility
    seen.hand_trust[k] = body.visibility[list(WRISTS)]
    seen.foot_trust[k] = body.visibility[list(ANKLES)]
    seen.identity[k] = sample.scene * 1000 + body.identity


def by_motion(samples: list[Sample]) -> Sightings:
    """The climber as the blob that moves: its middle for the hips, its usual height for the torso, no limbs."""
    seen = _empty(samples)
    identity, last = 0, None
    for k, sample in enumerate(samples):
        blob = _next_blob(sample.blobs, last)
        if blob is None:
            continue
        identity += last is None or not _same(last, blob)
        last = blob
        middle = np.array([blob.cx * sample.width, blob.cy * sample.height])
        seen.picture[k] = (blob.cx, blob.cy)
        seen.hip[k] = apply(sample.to_wall, middle) / sample.height
        seen.torso[k] = blob.height / BODY_PER_TORSO
        seen.shoulder[k] = seen.hip[k] - (0, seen.torso[k])
        # and how much of what moves is this blob
        seen.trust[k] = BLOB_TRUST * blob.area / sum(other.area for other in sample.blobs)
        seen.identity[k] = sample.scene * 1000 + identity
    return seen


def _next_blob(blobs: tuple[Blob, ...], last: Blob | None) -> Blob | None:
    """The blob that goes on from the last one, else the largest that moves.

    What somebody left behind in the background differs from the picture too, and never moves.
    """
    near = [] if last is None else [blob for blob in blobs if _same(last, blob)]
    moving = [blob for blob in near or blobs if blob.moves]
    return max(moving or near, key=lambda blob: blob.area, default=None)


def _same(a: Blob, b: Blob) -> bool:
    return float(np.hypot(a.cx - b.cx, a.cy - b.cy)) < SAME_BLOB * max(a.height, b.height)
