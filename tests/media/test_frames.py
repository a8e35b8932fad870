"""What `extract` writes, beyond that it is the right picture."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from consumer.media.facts import Jpeg, Moment, even_times
from consumer.media.frames import extract
from consumer.media.probe import probe
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.clips import H264, Image, barcode, barcode_in, write_clip
from tests.media.conftest import Made
from tests.media.test_exact import silent


def test_moments_on_one_picture_give_one_file_with_the_first_reason(made: Made, tmp_path: Path) -> None:
    clip = made("h264.mp4")
    moments = [Moment(t=1.0, why="drop"), Moment(t=0.5, why="rest"), Moment(t=0.49, why="placement")]
    frames = extract(clip, probe(clip), moments, out=tmp_path, progress=silent)
    assert [(frame.id, frame.why, frame.frame_index) for frame in frames] == [
        ("f00", "placement", 15),
        ("f01", "drop", 30),
    ]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["f00.jpg", "f01.jpg"]


def test_a_frame_says_its_own_size(made: Made, tmp_path: Path) -> None:
    clip = made("hevc-b-90.mp4")
    jpeg = Jpeg(long_side=100, quality=60)
    (frame,) = extract(clip, probe(clip), [Moment(t=0)], out=tmp_path, progress=silent, jpeg=jpeg)
    image = cv2.imread(str(tmp_path / "f00.jpg"))
    assert image is not None
    assert (frame.width, frame.height) == (image.shape[1], image.shape[0]) == (100, 75)


def test_a_small_clip_is_not_enlarged(made: Made, tmp_path: Path) -> None:
    clip = made("h264.mp4")
    (frame,) = extract(clip, probe(clip), [Moment(t=0)], out=tmp_path, progress=silent)
    assert (frame.width, frame.height) == (320, 240)


def test_progress_grows_to_the_end(made: Made, tmp_path: Path) -> None:
    shares: list[float] = []
    clip = made("vp9.webm")
    extract(clip, probe(clip), even_times(2.0), out=tmp_path, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_even_times_are_the_middles_of_equal_parts() -> None:
    assert [moment.t for moment in even_times(10, 5)] == [1, 3, 5, 7, 9]
    assert {moment.why for moment in even_times(10)} == {"even"}


def test_the_sharpest_neighbour_is_taken_over_the_picture_asked_for(tmp_path: Path) -> None:
    blurred = [_blurred(barcode(index)) if index != 17 else barcode(index) for index in range(40)]
    clip = write_clip(tmp_path / "blurred.mp4", blurred)
    (frame,) = extract(clip, probe(clip), [Moment(t=0.5, sharpest=True)], out=tmp_path, progress=silent)
    assert frame.frame_index == 17
    assert barcode_in(tmp_path / "f00.jpg") == 17


def test_of_neighbours_that_are_blurred_alike_some_are_looked_at(tmp_path: Path) -> None:
    """At 240 a second, one in seven: one of the sharp pictures round the moment, or the picture asked for."""
    sharp = range(130, 138)
    pictures = [barcode(index) if index in sharp else _blurred(barcode(index)) for index in range(200)]
    clip = write_clip(tmp_path / "fast.mp4", pictures, replace(H264, fps=240))
    (frame,) = extract(clip, probe(clip), [Moment(t=0.5, sharpest=True)], out=tmp_path, progress=silent)
    assert frame.frame_index in sharp
    assert barcode_in(tmp_path / "f00.jpg") == frame.frame_index
    (asked,) = extract(clip, probe(clip), [Moment(t=0.2)], out=tmp_path, progress=silent)
    assert asked.frame_index == 48


def _blurred(image: Image) -> Image:
    return np.asarray(cv2.blur(image, (9, 9)), np.uint8)


def test_a_full_disk_is_said_to_be_full(made: Made, tmp_path: Path) -> None:
    (tmp_path / "f00.jpg").symlink_to("/dev/full")
    clip = made("h264.mp4")
    with pytest.raises(Failure) as caught:
        extract(clip, probe(clip), [Moment(t=0)], out=tmp_path, progress=silent)
    assert caught.value.code is ErrorCode.SCRATCH_FULL
