"""Who moves: differences from a background in which moving people have been voted away by a median."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from consumer.kinematics.camera import chain, invert

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

BACKGROUND_PICTURES = 40
# neighbours of a picture, in samples of 0.1 s, when the camera moves
NEIGHBOURS = (-32, -16, -8, -4, 4, 8, 16, 32)
# grey levels; three times the picture's own median difference comes on top
MIN_DIFFERENCE = 18
# smaller than this share of the picture is not a person; upright, he may be smaller: a tenth of the height
MIN_AREA = 0.0025
MIN_UPRIGHT_AREA = 0.0008
MAX_BLOBS = 4
# of a person who moves, some part differs from a tenth of a second before
MIN_CHANGE = 0.05
CHANGE_LEVEL = 12


@dataclass(frozen=True, kw_only=True)
class Blob:
    """Something unlike the background: box and centre in 0..1 of the picture, `area` as a share of the picture.

    `change` is the share of its pixels that differ from the sample before.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    cx: float
    cy: float
    area: float
    change: float

    @property
    def moves(self) -> bool:
        return self.change >= MIN_CHANGE

    @property
    def height(self) -> float:
        return self.y1 - self.y0


# of the neighbours, so many must have seen a place to know what is behind somebody there
KNOWN_SHARE = 0.75
EDGE_PIXELS = 3


def still_background(pictures: list[Image], to_wall: list[Array]) -> Image:
    """The median of up to 40 pictures spread over the clip, on the wall; same shape as a picture."""
    picks = np.unique(np.linspace(0, len(pictures) - 1, BACKGROUND_PICTURES).astype(int))
    placed = [_warp(pictures[i], to_wall[i]) for i in picks]
    return _median(placed)


def near_background(pictures: list[Image], to_wall: list[Array], k: int) -> tuple[Image, Image]:
    """The median of picture k's neighbours, each seen from where the camera is at k; and where enough of them saw."""
    back = invert(to_wall[k])
    near = [k + offset for offset in NEIGHBOURS if 0 <= k + offset < len(pictures)] or [k]
    ways = [chain(back, to_wall[i]) for i in near]
    placed = [_warp(pictures[i], way) for i, way in zip(near, ways, strict=True)]
    shape = pictures[k].shape
    seen = np.sum([inside(way, shape) for way in ways], axis=0)
    known: Image = (seen >= KNOWN_SHARE * len(near)).astype(np.uint8)
    return _median(placed), known


def inside(matrix: Array, shape: tuple[int, ...]) -> Image:
    """1 where a picture of this shape, moved by `matrix`, covers the place of the original one, else 0."""
    height, width = shape[:2]
    whole = np.zeros((height, width), np.uint8)
    whole[EDGE_PIXELS:-EDGE_PIXELS, EDGE_PIXELS:-EDGE_PIXELS] = 1
    moved: Any = cv2.warpAffine(whole, matrix, (width, height), flags=cv2.INTER_NEAREST)
    result: Image = moved
    return result


def find(picture: Image, background: Image, before: Image, known: Image | None = None) -> list[Blob]:
    """What differs from the background, largest first; `before` is the last picture, seen from the same place.

    `known` is 0 where the background was never seen.
    """
    difference = unlike(picture, background)
    if known is not None:
        difference[known == 0] = 0
    level = max(MIN_DIFFERENCE, 3 * middle_level(difference))
    mask: Any = (difference > level).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    # a leg, a shirt and an arm of one person are seldom one piece
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((11, 9), np.uint8))
    _, labels, rows, centres = cv2.connectedComponentsWithStats(mask)
    height, width = mask.shape
    order = [i for i in np.argsort(-rows[:, 4]) if i != 0 and _may_be_somebody(rows[i], width * height)][:MAX_BLOBS]
    if not order:
        return []
    changed = unlike(picture, before) > CHANGE_LEVEL
    return [_blob(rows[i], centres[i], mask.shape, change=float(changed[labels == i].mean())) for i in order]


def _may_be_somebody(row: NDArray[np.int32], pixels: int) -> bool:
    _, _, width, height, area = (int(value) for value in row)
    return area >= (MIN_UPRIGHT_AREA if height >= width else MIN_AREA) * pixels


def unlike(a: Image, b: Image) -> Image:
    """(height, width) the largest difference of a channel, after a little blur."""
    difference: Any = cv2.absdiff(cv2.blur(a, (3, 3)), cv2.blur(b, (3, 3)))
    # twenty times as fast as numpy's maximum over the last axis
    blue, green, red = cv2.split(difference)
    largest: Any = cv2.max(cv2.max(blue, green), red)
    result: Image = largest
    return result


def middle_level(gray: Image) -> float:
    """The median grey level, by counting: a tenth of the time that sorting takes."""
    counts = np.cumsum(np.bincount(gray.ravel(), minlength=256))
    return float(np.searchsorted(counts, (gray.size + 1) // 2))


def moved_to(picture: Image, its_wall: Array, to_wall: Array) -> Image:
    """A picture as the camera would have seen it from another picture's place."""
    return _warp(picture, chain(invert(to_wall), its_wall))


def _median(pictures: list[Image]) -> Image:
    middle: Image = np.median(np.stack(pictures), axis=0).astype(np.uint8)
    return middle


def _warp(picture: Image, matrix: Array) -> Image:
    size = (picture.shape[1], picture.shape[0])
    warped: Any = cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    result: Image = warped
    return result


def seen_from(background: Image, to_wall: Array) -> Image:
    """A background on the wall as the camera sees it at a picture's place."""
    return _warp(background, invert(to_wall))


def _blob(row: NDArray[np.int32], centre: Array, shape: tuple[int, int], *, change: float) -> Blob:
    x, y, w, h, area = (int(value) for value in row)
    height, width = shape
    return Blob(
        x0=x / width,
        y0=y / height,
        x1=(x + w) / width,
        y1=(y + h) / height,
        cx=float(centre[0]) / width,
        cy=float(centre[1]) / height,
        area=area / (width * height),
        change=change,
    )
