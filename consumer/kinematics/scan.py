"""The one pass over the pictures: where the camera was, what moved, and the body, for each sample."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import cv2
import numpy as np

from consumer.kinematics.blob import Blob, find, inside, moved_to, near_background, seen_from, still_background
from consumer.kinematics.body import Body
from consumer.kinematics.camera import Array, CameraPath, Image, Step, classify, invert, scaled, travel
from consumer.kinematics.pose_model import PoseModel
from consumer.kinematics.pose_search import PoseSearch
from consumer.kinematics.shot import Shot, chunks, take
from consumer.media.decode import Picture
from core.result import Camera

# grey levels between two samples below which not a thing has changed; an encoder's noise lies above
FROZEN_LEVEL = 4.0
# picture heights: a camera on a stand, seen through an encoder
STAND_TRAVEL = 0.01
# of the work on a picture, reading it; the rest is looking for people
READ_SHARE = 0.4


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What one picture showed. `to_wall` (2, 3) in pixels of the sampled picture; `change` in grey levels, 0..255."""

    t: float
    index: int
    width: int
    height: int
    to_wall: Array
    camera_found: bool
    scene: int
    blobs: tuple[Blob, ...]
    bodies: tuple[Body, ...]
    change: float


@dataclass(kw_only=True)
class Scan:
    """All samples of a clip in time order."""

    samples: list[Sample] = field(default_factory=list)
    camera: Camera = "static"

    @property
    def frozen(self) -> bool:
        """True when no picture differs from the one before it."""
        return all(sample.change < FROZEN_LEVEL for sample in self.samples)


def scan(pictures: Iterable[Picture], model: PoseModel, at: Callable[[float], None]) -> Scan:
    """Look at every picture once, 30 s at a time; `at` hears the seconds of the clip that are done."""
    search, camera = PoseSearch(model), CameraPath()
    result = Scan()
    steps: list[Step] = []
    last: Image | None = None
    looked = 0.0

    def taken(picture: Picture) -> Shot:
        at(READ_SHARE * picture.t + (1 - READ_SHARE) * looked)
        return take(picture.t, picture.index, picture.image)

    for chunk in chunks(taken(picture) for picture in pictures):
        before = copy(camera)
        placed = [camera.follow(shot.gray) for shot in chunk]
        blobs = movers(chunk, placed)
        bodies = []
        for shot, moving in zip(chunk, blobs, strict=True):
            bodies.append(search.look(shot.t, shot.picture(), moving))
            looked = shot.t
            at(READ_SHARE * chunk[-1].t + (1 - READ_SHARE) * looked)
        if not is_still(placed, chunk[0].gray):
            # who is in the picture is known only now: follow the camera again, without the corners on people
            camera = before
            placed = [camera.follow(shot.gray, people_in(shot, b)) for shot, b in zip(chunk, bodies, strict=True)]
        for shot, step, moving, seen in zip(chunk, placed, blobs, bodies, strict=True):
            result.samples.append(_sample(shot, step, moving, seen, last))
            last = shot.gray
        steps += placed
        # the next half minute is read while this list is still in our hands
        chunk.clear()
    if last is not None:
        result.camera = classify(steps, last.shape[1], last.shape[0])
    return result


def is_still(placed: list[Step], gray: Image) -> bool:
    """True when the camera stood on a stand: nothing lost, no cut, no travel beyond a pixel or two."""
    found = all(step.found for step in placed)
    return found and travel(placed, gray.shape[1], gray.shape[0]) < STAND_TRAVEL


def people_in(shot: Shot, bodies: tuple[Body, ...]) -> Image | None:
    """255 over the bodies' boxes in the 320 picture; None when nobody was seen."""
    if not bodies:
        return None
    mask: Image = np.zeros(shot.gray.shape, np.uint8)
    scale = shot.gray.shape[1] / shot.width
    for body in bodies:
        x0, y0, x1, y1 = (max(0, round(value * scale)) for value in body.box)
        mask[y0:y1, x0:x1] = 255
    return mask


def movers(chunk: list[Shot], placed: list[Step]) -> list[list[Blob]]:
    """What moves in each picture, scene by scene: a background is a median of pictures of one scene."""
    blobs: list[list[Blob]] = []
    for _, group in groupby(range(len(chunk)), key=lambda i: placed[i].scene):
        members = list(group)
        pictures = [chunk[i].colour for i in members]
        factor = pictures[0].shape[1] / chunk[members[0]].gray.shape[1]
        blobs.extend(_scene_movers(pictures, [placed[i] for i in members], factor))
    return blobs


def _scene_movers(pictures: list[Image], steps: list[Step], factor: float) -> list[list[Blob]]:
    places = [scaled(step.to_wall, factor) for step in steps]
    height, width = pictures[0].shape[:2]
    static = classify(steps, round(width / factor), round(height / factor)) == "static"
    wall = still_background(pictures, places) if static else None
    found = []
    for k, picture in enumerate(pictures):
        if wall is None:
            background, known = near_background(pictures, places, k)
        else:
            background, known = seen_from(wall, places[k]), inside(invert(places[k]), picture.shape)
        # the first picture has none before it
        other = k - 1 if k else min(1, len(pictures) - 1)
        found.append(find(picture, background, moved_to(pictures[other], places[other], places[k]), known))
    return found


def _sample(shot: Shot, step: Step, blobs: list[Blob], bodies: tuple[Body, ...], last: Image | None) -> Sample:
    return Sample(
        t=shot.t,
        index=shot.index,
        width=shot.width,
        height=shot.height,
        to_wall=scaled(step.to_wall, shot.width / shot.gray.shape[1]),
        camera_found=step.found,
        scene=step.scene,
        blobs=tuple(blobs),
        bodies=bodies,
        change=0.0 if last is None else change(last, shot.gray),
    )


def change(before: Image, after: Image) -> float:
    """How much the most changed spots differ: the 99.9th percentile of the blurred difference, grey levels."""
    difference: Any = cv2.absdiff(cv2.blur(before, (5, 5)), cv2.blur(after, (5, 5)))
    counts = np.cumsum(np.bincount(difference.ravel(), minlength=256))
    return float(np.searchsorted(counts, 0.999 * difference.size))
