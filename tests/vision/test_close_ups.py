"""Parts of pictures, cut by a real decoding child behind its walls."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from consumer.media.close_ups import cut, hidden
from consumer.media.facts import Jpeg, Shot
from consumer.sandbox.pool import open_sandbox
from tests.figure import Climber, drawn_climber

CLIMBER = Climber(size=(360, 640), seconds=4.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "drawn.mp4"
    drawn_climber(path, CLIMBER)
    return path


async def test_a_child_cuts_what_is_asked_for_in_time_order(clip: Path, tmp_path: Path) -> None:
    shots = [
        Shot(t=3.0, box=(0.25, 0.25, 0.75, 0.75)),
        Shot(t=1.0),
        Shot(t=1.0, box=(0.5, 0.5, 1.0, 1.0)),
        Shot(t=2.0, blur=(0.4, 0.4, 0.6, 0.6)),
    ]
    async with open_sandbox() as box:
        probe = await box.probe(clip, limit_s=20)
        frames = await box.close_ups(clip, probe, shots, out=tmp_path, limit_s=20, jpeg=Jpeg(long_side=320))
    assert [(frame.id, frame.t, frame.width, frame.height) for frame in frames] == [
        ("f00", 1.0, 180, 320),
        ("f01", 1.0, 180, 320),
        ("f02", 2.0, 180, 320),
        ("f03", 3.0, 180, 320),
    ]
    pictures = [cv2.imread(str(tmp_path / f"{frame.id}.jpg")) for frame in frames]
    assert [picture.shape[:2] for picture in pictures if picture is not None] == [(320, 180)] * 4
    corner = cv2.resize(pictures[0][160:, 90:], (180, 320))
    assert float(cv2.absdiff(corner, pictures[1]).mean()) < 12, "the second is the first's lower right corner"
    for frame in frames:
        body = (tmp_path / f"{frame.id}.jpg").read_bytes()
        assert b"Exif" not in body


def test_a_hidden_head_cannot_be_made_out_and_the_rest_is_untouched() -> None:
    image = np.random.default_rng(1).integers(0, 255, (400, 300, 3)).astype(np.uint8)
    changed = hidden(image, (0.4, 0.1, 0.6, 0.25))
    inside, outside = changed[55:85, 135:165], np.ones(image.shape[:2], dtype=bool)
    outside[40:100, 120:180] = False
    assert np.array_equal(changed[outside], image[outside])
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) <= 25, "a few cells of one colour each"
    assert image[70, 150].tolist() != changed[70, 150].tolist()


@pytest.mark.parametrize("box", [(0.5, 0.5, 0.5, 0.5), (0.99, 0.99, 1.0, 1.0), (0.0, 0.0, 0.001, 1.0)])
def test_a_part_is_never_empty(box: tuple[float, float, float, float]) -> None:
    part = cut(np.zeros((100, 100, 3), dtype=np.uint8), box)
    assert min(part.shape[:2]) >= 1
