"""The search against a model that sees what the test says; it fits the same protocol as the real one."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from consumer.kinematics.blob import Blob
from consumer.kinematics.body import Body
from consumer.kinematics.pose_model import Landmarks, Person, PoseModel, Region
from consumer.kinematics.pose_search import PoseSearch, crop_round

PICTURE = np.zeros((400, 300, 3), np.uint8)


@dataclass
class SeenPeople:
    """People as (hip x, hip y, torso) in pixels. Keeps what it was asked."""

    people: list[tuple[float, float, float]]
    looked: list[Region] = field(default_factory=list)

    def detect(self, image: NDArray[np.uint8], region: Region) -> list[Person]:
        self.looked.append(region)
        half = region.side / 2
        inside = [p for p in self.people if abs(p[0] - region.cx) < half and abs(p[1] - region.cy) < half]
        return [Person(score=0.9, region=Region(cx=x, cy=y, side=torso * 5)) for x, y, torso in inside]

    def landmarks(self, image: NDArray[np.uint8], region: Region) -> Landmarks:
        near = [p for p in self.people if np.hypot(p[0] - region.cx, p[1] - region.cy) < region.side / 2]
        if not near:
            return Landmarks(points=np.zeros((33, 2)), visibility=np.zeros(33), presence=0.0, region=region)
        x, y, torso = min(near, key=lambda p: float(np.hypot(p[0] - region.cx, p[1] - region.cy)))
        points = np.tile([x, y], (33, 1)).astype(np.float64)
        points[[11, 12]] -= (0, torso)
        return Landmarks(points=points, visibility=np.ones(33), presence=0.9, region=Region(cx=x, cy=y, side=torso * 5))


def blob(x: float, y: float, *, change: float = 0.5) -> Blob:
    cx, cy = x / 300, y / 400
    return Blob(x0=cx - 0.1, y0=cy - 0.15, x1=cx + 0.1, y1=cy + 0.15, cx=cx, cy=cy, area=0.03, change=change)


def test_the_fake_fits_the_protocol() -> None:
    model: PoseModel = SeenPeople([])
    assert model.detect(PICTURE, Region(cx=0, cy=0, side=1)) == []


def look(search: PoseSearch, t: float, blobs: list[Blob]) -> Body:
    (body,) = search.look(t, PICTURE, blobs)
    return body


def hips(bodies: tuple[Body, ...]) -> list[list[float]]:
    return sorted(body.hip.tolist() for body in bodies)


def test_the_one_who_moves_is_followed_and_not_the_one_who_stands_by() -> None:
    search = PoseSearch(SeenPeople([(60, 300, 40), (220, 100, 25)]))
    assert look(search, 0.0, [blob(220, 100)]).hip.tolist() == [220, 100]


def test_nobody_is_nobody() -> None:
    assert PoseSearch(SeenPeople([])).look(0.0, PICTURE, []) == ()


def test_a_track_needs_no_detection() -> None:
    model = SeenPeople([(150, 200, 40)])
    search = PoseSearch(model)
    for k in range(5):
        model.people = [(150 + 5 * k, 200, 40)]
        search.look(k / 10, PICTURE, [])
    assert len(model.looked) == 1


def test_where_nothing_moves_and_nobody_is_it_is_not_looked_at_every_time() -> None:
    model = SeenPeople([])
    search = PoseSearch(model)
    for k in range(30):
        search.look(k / 10, PICTURE, [])
    assert len(model.looked) == 10


def test_a_jump_in_place_and_size_is_somebody_else() -> None:
    model = SeenPeople([(100, 200, 40)])
    search = PoseSearch(model)
    first = look(search, 0.0, [])
    model.people = [(250, 200, 90)]
    assert search.look(0.1, PICTURE, []) == ()
    assert look(search, 2.0, []).identity != first.identity


def test_a_fall_is_kept() -> None:
    model = SeenPeople([(150, 100, 30)])
    search = PoseSearch(model)
    bodies = []
    for k in range(8):
        model.people = [(150, 100 + 0.5 * 21 * 30 * (k / 10) ** 2, 30)]
        bodies.append(look(search, k / 10, []))
    assert len({body.identity for body in bodies}) == 1


def test_somebody_who_never_moves_is_left_for_somebody_who_does() -> None:
    model = SeenPeople([(60, 300, 40)])
    search = PoseSearch(model)
    search.look(0.0, PICTURE, [])
    model.people.append((220, 100, 25))
    seen = [search.look(k / 10, PICTURE, [blob(220, 100)]) for k in range(1, 30)]
    assert [60, 300] in hips(seen[0])
    assert hips(seen[-1]) == [[220, 100]]


def test_two_who_move_are_both_followed_each_with_his_identity() -> None:
    model = SeenPeople([(60, 300, 40)])
    search = PoseSearch(model)
    identities: dict[int, set[float]] = {}
    for k in range(40):
        model.people = [(60 + 2 * k, 300, 40), (220, 250 - 4 * k, 38)]
        blobs = [blob(x, y) for x, y, _ in model.people]
        for body in search.look(k / 10, PICTURE, blobs):
            identities.setdefault(body.identity, set()).add(float(body.hip[1]))
    assert len(identities) == 2
    assert {300.0} in identities.values()


def test_more_than_three_are_not_followed() -> None:
    model = SeenPeople([])
    search = PoseSearch(model)
    for k in range(40):
        model.people = [(30 + 55 * i + k / 2, 200, 12) for i in range(5)]
        blobs = [
            Blob(x0=x / 300 - 0.05, y0=0.4, x1=x / 300 + 0.05, y1=0.6, cx=x / 300, cy=0.5, area=0.02, change=0.5)
            for x, _, _ in model.people
        ]
        assert len(search.look(k / 10, PICTURE, blobs)) <= 3


def test_the_crop_is_twice_the_blob_and_not_too_small() -> None:
    assert crop_round(blob(150, 200), 300, 400).side == pytest.approx(240)
    tiny = Blob(x0=0.5, y0=0.5, x1=0.52, y1=0.52, cx=0.51, cy=0.51, area=0.0004, change=1)
    assert crop_round(tiny, 300, 400).side == pytest.approx(80)
