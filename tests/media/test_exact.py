"""Every picture is the one that was asked for: proven by the index drawn in it, over codecs, clocks and rotations."""

from pathlib import Path

import pytest

from consumer.media.decode import sample
from consumer.media.facts import Moment
from consumer.media.frames import extract
from consumer.media.probe import probe
from tests.clips import barcode_in, read_barcode
from tests.media.conftest import ENCODINGS, PICTURES, Made, true_times

# Matroska counts in milliseconds
CLOCK_S = 0.0011
ALL = pytest.mark.parametrize("name", ENCODINGS)
ASKED = (0, 0.02, 0.4, 0.41, 0.9, 1.5, 1.55, 1.9, 99)


def silent(share: float) -> None:
    """For calls whose progress is not the matter."""


def first_at_or_after(times: list[float], t: float) -> int:
    return next((index for index, shown in enumerate(times) if shown >= t - 1e-4), len(times) - 1)


@ALL
def test_all_pictures_come_in_order_at_their_true_times(made: Made, name: str) -> None:
    pictures = list(sample(made(name), probe(made(name)), hz=1000))
    assert [read_barcode(picture.image) for picture in pictures] == list(range(PICTURES))
    assert [picture.index for picture in pictures] == list(range(PICTURES))
    assert [picture.t for picture in pictures] == pytest.approx(true_times(name), abs=CLOCK_S)


@ALL
def test_a_sample_takes_the_first_picture_at_or_after_each_grid_time(made: Made, name: str) -> None:
    times = true_times(name)
    wanted = {first_at_or_after(times, step / 5) for step in range(int(times[-1] * 5) + 1)}
    pictures = list(sample(made(name), probe(made(name)), hz=5, long_side=160))
    assert [picture.index for picture in pictures] == sorted(wanted)
    assert [read_barcode(picture.image) for picture in pictures] == sorted(wanted)
    assert {max(picture.image.shape) for picture in pictures} == {160}


@ALL
def test_an_extracted_frame_is_the_picture_shown_then(made: Made, name: str, tmp_path: Path) -> None:
    times = true_times(name)
    wanted = sorted({first_at_or_after(times, t) for t in ASKED})
    moments = [Moment(t=t) for t in ASKED]
    frames = extract(made(name), probe(made(name)), moments, out=tmp_path, progress=silent)
    assert [barcode_in(tmp_path / f"{frame.id}.jpg") for frame in frames] == wanted
    assert [frame.frame_index for frame in frames] == wanted
    assert [frame.t for frame in frames] == pytest.approx([times[index] for index in wanted], abs=CLOCK_S)


@ALL
def test_the_sharpest_neighbour_is_a_true_picture_near_by(made: Made, name: str, tmp_path: Path) -> None:
    moments = [Moment(t=t, sharpest=True) for t in (0, 0.1, 0.5, 0.6, 1.5)]
    frames = extract(made(name), probe(made(name)), moments, out=tmp_path, progress=silent)
    for frame in frames:
        assert barcode_in(tmp_path / f"{frame.id}.jpg") == frame.frame_index
        assert frame.t == pytest.approx(true_times(name)[frame.frame_index], abs=CLOCK_S)
