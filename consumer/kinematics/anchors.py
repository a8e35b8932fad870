"""The pose detector's answer, decoded: 2,254 anchors to the few people that they mean."""

import functools

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Found = tuple[float, Array, Array]

DETECTOR_SIDE = 224
# (cells a side, anchors a cell): strides 8, 16 and three times 32, two anchors each
_GRID = ((28, 2), (14, 2), (7, 6))
_SCORE_CLIP = 100.0
_SAME_PERSON_IOU = 0.3


@functools.cache
def anchor_centres() -> Array:
    """(2254, 2): the anchors' centres in 0..1 of the detector's square."""
    rows = []
    for cells, repeat in _GRID:
        ys, xs = np.mgrid[0:cells, 0:cells]
        centres = np.stack([(xs + 0.5) / cells, (ys + 0.5) / cells], axis=-1).reshape(-1, 2)
        rows.append(np.repeat(centres, repeat, axis=0))
    return np.concatenate(rows)


def decode_people(raw_boxes: NDArray[np.float32], logits: NDArray[np.float32], min_score: float) -> list[Found]:
    """(score 0..1, hip centre, end of the body's circle), best first, in pixels of the detector's square.

    `raw_boxes` (2254, 12): centre, size, then four points, relative to the anchor. Overlapping answers are
    averaged by score, as in MediaPipe's weighted non-maximum suppression.
    """
    scores = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -_SCORE_CLIP, _SCORE_CLIP)))
    keep = np.flatnonzero(scores >= min_score)
    values = raw_boxes[keep].astype(np.float64)
    centres = anchor_centres()[keep] * DETECTOR_SIDE
    boxes = np.concatenate([values[:, :2] + centres, values[:, 2:4]], axis=1)
    points = values[:, 4:8].reshape(-1, 2, 2) + centres[:, None, :]
    return _merge(boxes, points, scores[keep])


def _merge(boxes: Array, points: Array, scores: Array) -> list[Found]:
    order = list(np.argsort(-scores))
    people: list[Found] = []
    while order:
        best = order[0]
        same = [i for i in order if i == best or _iou(boxes[best], boxes[i]) > _SAME_PERSON_IOU]
        mean = np.average(points[same], axis=0, weights=scores[same])
        people.append((float(scores[best]), mean[0], mean[1]))
        order = [i for i in order if i not in same]
    return people


def _iou(a: Array, b: Array) -> float:
    """Overlap of two boxes (centre x, centre y, width, height) over their union."""
    low = np.maximum(a[:2] - a[2:] / 2, b[:2] - b[2:] / 2)
    high = np.minimum(a[:2] + a[2:] / 2, b[:2] + b[2:] / 2)
    inter = float(np.prod(np.clip(high - low, 0, None)))
    union = float(a[2] * a[3] + b[2] * b[3]) - inter
    return inter / union if union > 0 else 0.0
