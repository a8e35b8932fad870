import numpy as np
import pytest

from consumer.kinematics.anchors import anchor_centres, decode_people
from consumer.kinematics.pose_model import region_of


def raw(at: dict[int, float]) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.float32]], ...]:
    """Boxes of 60 pixels on the anchors named, each with its logit."""
    boxes = np.zeros((2254, 12), np.float32)
    logits = np.full(2254, -20, np.float32)
    for anchor, logit in at.items():
        boxes[anchor, 2:4] = 60
        boxes[anchor, 4:8] = (0, 0, 0, -30)
        logits[anchor] = logit
    return boxes, logits


def test_anchors_lie_in_the_middle_of_their_cells() -> None:
    centres = anchor_centres()
    assert centres.shape == (2254, 2)
    assert centres[0] == pytest.approx((1 / 56, 1 / 56))
    assert centres[-1] == pytest.approx((1 - 1 / 14, 1 - 1 / 14))


def test_overlapping_answers_are_one_person_and_distant_ones_two() -> None:
    boxes, logits = raw({800: 3.0, 801: 2.0, 0: 1.0})
    people = decode_people(boxes, logits, 0.5)
    assert [round(score, 2) for score, _, _ in people] == [0.95, 0.73]
    _, hips, end = people[0]
    assert hips == pytest.approx(anchor_centres()[800] * 224)
    assert end == pytest.approx(hips - (0, 30))


def test_nobody_below_the_score() -> None:
    boxes, logits = raw({800: -1.0})
    assert decode_people(boxes, logits, 0.5) == []


def test_the_region_of_an_upright_body_is_not_turned() -> None:
    region = region_of(np.array([100.0, 200.0]), np.array([100.0, 100.0]))
    assert region.angle == pytest.approx(0)
    assert region.side == pytest.approx(250)


def test_the_region_of_a_lying_body_is_turned_by_a_quarter() -> None:
    assert region_of(np.array([100.0, 200.0]), np.array([200.0, 200.0])).angle == pytest.approx(np.pi / 2)
