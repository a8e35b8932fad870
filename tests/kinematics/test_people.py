"""More than one person: the one who climbs is measured, and the reader is told."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from consumer.kinematics.body import Body
from consumer.kinematics.climber import pick
from consumer.kinematics.scan import Sample
from tests.clips import Image
from tests.figure import Climber
from tests.kinematics.conftest import Measure
from tests.kinematics.drawn import codes, hip_errors, is_sound, write

CLIMBER = Climber(size=(480, 480), seconds=5.0, walk_s=0.5, moves=4, stature=0.33, place=0.7)
BLUE = (200, 120, 40)


def together(*people: Climber) -> Iterator[Image]:
    for k in range(round(people[0].seconds * 20)):
        picture = people[0].wall()
        for person in people:
            person.on(picture, k / 20)
        yield picture


def test_the_climber_is_measured_and_not_who_walks_by(measured: Measure, tmp_path: Path) -> None:
    walker = replace(CLIMBER, place=0.4, walk_s=4.99, shirt=BLUE)
    result = measured(write(tmp_path / "two.mp4", together(CLIMBER, walker)))
    assert "SEVERAL_PEOPLE" in codes(result)
    assert np.median(hip_errors(CLIMBER, result)) < 0.25
    assert result.metrics["height_gain"].value is not None


def test_two_climbers_are_told_apart_and_one_is_measured(measured: Measure, tmp_path: Path) -> None:
    other = replace(CLIMBER, place=0.25, shirt=BLUE, seed=3)
    result = measured(write(tmp_path / "two.mp4", together(CLIMBER, other)))
    assert "SEVERAL_PEOPLE" in codes(result)
    errors = [np.median(hip_errors(one, result)) for one in (CLIMBER, other)]
    assert min(errors) < 0.25
    assert max(errors) > 2


def test_five_people_are_a_sound_result(measured: Measure, tmp_path: Path) -> None:
    people = [
        replace(CLIMBER, place=place, walk_s=0.5 + 0.3 * n, seed=n, seconds=3.0, stature=0.28)
        for n, place in enumerate((0.1, 0.3, 0.5, 0.7, 0.9))
    ]
    result = measured(write(tmp_path / "five.mp4", together(*people)))
    assert is_sound(result)
    assert "SEVERAL_PEOPLE" in codes(result)


def body(identity: int, x: float, y: float, *, hands: float) -> Body:
    """A body with its hips at (x, y), a torso of 50 pixels, and its wrists at the height `hands`, all in pixels."""
    points = np.tile([x, y], (33, 1)).astype(np.float64)
    points[[11, 12], 1] -= 50
    points[[15, 16], 1] = hands
    points[[27, 28], 1] += 70
    return Body(points=points, visibility=np.ones(33), presence=1, identity=identity)


def sample(k: int, *bodies: Body) -> Sample:
    return Sample(
        t=k / 10,
        index=k,
        width=400,
        height=600,
        to_wall=np.eye(2, 3),
        camera_found=True,
        scene=0,
        blobs=(),
        bodies=bodies,
        change=50.0,
    )


def walker(k: int) -> Body:
    return body(1, 20 + 6 * k, 500, hands=500)


def climber(k: int, identity: int) -> Body:
    """Goes up by 2 pixels a sample, his hands from place to place each second."""
    return body(identity, 200, 450 - 2 * k, hands=350 - k // 10 * 20)


def test_who_climbs_goes_before_who_walks_farther() -> None:
    samples = [sample(k, walker(k), climber(k, 2)) for k in range(60)]
    assert {one.identity for one in pick(samples) if one is not None} == {2}


def test_a_passer_by_is_not_taken_for_the_climber_while_he_is_hidden() -> None:
    def who(k: int) -> tuple[Body, ...]:
        hidden = 25 <= k < 32
        return (walker(k),) if hidden else (walker(k), climber(k, 2 if k < 25 else 3))

    chosen = pick([sample(k, *who(k)) for k in range(60)])
    assert [one.identity if one else None for one in chosen] == [2] * 25 + [None] * 7 + [3] * 28


def test_somebody_alone_is_the_climber_whoever_he_is() -> None:
    chosen = pick([sample(k, body(1 if k < 5 else 2, 100, 300, hands=300)) for k in range(10)])
    assert all(one is not None for one in chosen)
