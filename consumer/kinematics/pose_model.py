"""BlazePose on LiteRT: a picture goes in, people and their landmarks come out. No tracking, no opinion.

The geometry (anchors, regions, scales) is that of MediaPipe's pose graph; weights: core/pose_weights.py.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from consumer.kinematics.anchors import DETECTOR_SIDE, decode_people
from core.error_codes import ErrorCode
from core.failure import Failure
from core.pose_weights import DETECTOR, LANDMARK_FILES

Image = NDArray[np.uint8]
Array = NDArray[np.float64]

LANDMARK_SIDE = 256
LANDMARKS = 33
# MediaPipe's graph: the region is 1.25 times the circle through the body's end
REGION_SCALE = 1.25
MIN_DETECTION_SCORE = 0.5
THREADS = 2


@dataclass(frozen=True, kw_only=True)
class Region:
    """A turned square in picture pixels: centre, side, and the angle (radians) that puts the body upright."""

    cx: float
    cy: float
    side: float
    angle: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Person:
    """A detection: `score` 0..1 and the region in which to look for landmarks."""

    score: float
    region: Region


@dataclass(frozen=True, kw_only=True)
class Landmarks:
    """`points` (33, 2) picture pixels, `visibility` (33,) 0..1, `presence` 0..1 of a body in the region."""

    points: Array
    visibility: Array
    presence: float
    region: Region


class PoseModel(Protocol):
    """What the search needs of a pose model."""

    def detect(self, image: Image, region: Region) -> list[Person]:
        """People inside `region` (upright), best first."""

    def landmarks(self, image: Image, region: Region) -> Landmarks:
        """The landmarks of the one body that `region` frames."""


class BlazePose:
    """The detector and the landmark model; one instance serves one thread.

    `weights` is the landmark model's file with the detector beside it, or their folder: the full model then.
    Raises Failure WEIGHTS_MISSING when one of the two is not there, or is no model.
    """

    def __init__(self, weights: Path) -> None:
        landmark = weights if weights.suffix == ".tflite" else weights / LANDMARK_FILES["full"].name
        self._detector = _open(landmark.with_name(DETECTOR.name))
        self._landmark = _open(landmark)

    def detect(self, image: Image, region: Region) -> list[Person]:
        crop = _crop(image, region, DETECTOR_SIDE)
        boxes, scores = _run(self._detector, crop * 2 - 1, ("Identity", "Identity_1"))
        found = decode_people(boxes[0], scores[0, :, 0], MIN_DETECTION_SCORE)
        to_picture = _region_matrix(region, DETECTOR_SIDE)
        people = []
        for score, hips, end in found:
            ends = np.array([hips, end]) @ to_picture[:, :2].T + to_picture[:, 2]
            people.append(Person(score=score, region=region_of(ends[0], ends[1])))
        return people

    def landmarks(self, image: Image, region: Region) -> Landmarks:
        crop = _crop(image, region, LANDMARK_SIDE)
        raw, presence = _run(self._landmark, crop, ("Identity", "Identity_1"))
        rows = raw[0].reshape(-1, 5).astype(np.float64)
        to_picture = _region_matrix(region, LANDMARK_SIDE)
        points = rows[:, :2] @ to_picture[:, :2].T + to_picture[:, 2]
        return Landmarks(
            points=points[:LANDMARKS],
            visibility=1 / (1 + np.exp(-rows[:LANDMARKS, 3])),
            presence=float(presence[0, 0]),
            # the two landmarks behind the 33 are the model's own idea of the next region
            region=region_of(points[LANDMARKS], points[LANDMARKS + 1]),
        )


def region_of(hips: Array, end: Array) -> Region:
    """The landmark region of a body given its hip centre and the end of the circle around it, in pixels."""
    dx, dy = float(end[0] - hips[0]), float(end[1] - hips[1])
    turn = math.pi / 2 - math.atan2(-dy, dx)
    angle = turn - 2 * math.pi * math.floor((turn + math.pi) / (2 * math.pi))
    side = 2 * math.hypot(dx, dy) * REGION_SCALE
    return Region(cx=float(hips[0]), cy=float(hips[1]), side=side, angle=angle)


def _region_matrix(region: Region, side: int) -> Array:
    """(2, 3): crop pixels (0..side) to picture pixels."""
    scale = region.side / side
    cos, sin = math.cos(region.angle) * scale, math.sin(region.angle) * scale
    half = side / 2
    shift_x = region.cx - cos * half + sin * half
    shift_y = region.cy - sin * half - cos * half
    return np.array([[cos, -sin, shift_x], [sin, cos, shift_y]])


def _crop(image: Image, region: Region, side: int) -> NDArray[np.float32]:
    """(1, side, side, 3) RGB, 0..1; black outside the picture, as the models were trained."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop: Any = cv2.warpAffine(image, _region_matrix(region, side), (side, side), flags=flags)
    rgb: NDArray[np.float32] = crop[None, :, :, ::-1].astype(np.float32) / np.float32(255)
    return rgb


def _open(path: Path) -> Any:
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=THREADS)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise Failure(ErrorCode.WEIGHTS_MISSING, f"{path.name} is not there, or is no model") from error
    return interpreter


def _run(interpreter: Any, tensor: NDArray[np.float32], names: tuple[str, ...]) -> list[NDArray[np.float32]]:
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(tensor))
    interpreter.invoke()
    places = {row["name"]: row["index"] for row in interpreter.get_output_details()}
    return [interpreter.get_tensor(places[name]) for name in names]
