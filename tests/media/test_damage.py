"""Clips that end early or are torn in the middle: what is there is kept, and it is said that some is not."""

from dataclasses import replace
from pathlib import Path

import pytest

from consumer.media.decode import Sample, sample
from consumer.media.facts import Moment, Probe
from consumer.media.frames import extract
from consumer.media.probe import probe
from core.error_codes import ErrorCode
from core.failure import Failure
from tests import clips
from tests.clips import barcode_in, barcodes, read_barcode, truncate, write_clip
from tests.media.conftest import PICTURES, Made
from tests.media.test_exact import silent

HEADER_FIRST = replace(clips.H264, container_options={"movflags": "faststart"})


@pytest.mark.parametrize(
    ("suffix", "encoding"),
    [("mp4", HEADER_FIRST), ("mkv", clips.H264), ("webm", clips.VP9), ("mp4", replace(HEADER_FIRST, rotation=90))],
)
def test_a_cut_file_gives_what_it_has(tmp_path: Path, suffix: str, encoding: clips.Encoding) -> None:
    whole = write_clip(tmp_path / f"whole.{suffix}", barcodes(PICTURES), encoding)
    path = truncate(whole, tmp_path / f"cut.{suffix}", 0.6)
    facts = probe(path)
    assert facts.truncated
    assert facts.duration_s is not None
    assert 0.5 < facts.duration_s < 1.9
    pictures = sample(path, facts, hz=1000)
    indices = [picture.index for picture in pictures]
    assert pictures.truncated
    # the very last picture may be half there
    assert indices[:20] == list(range(20))
    assert len(indices) < PICTURES


def test_a_moment_behind_the_cut_takes_the_last_picture_there_is(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4", barcodes(PICTURES), HEADER_FIRST)
    path = truncate(whole, tmp_path / "cut.mp4", 0.6)
    frames = extract(path, probe(path), [Moment(t=0.3), Moment(t=1.95)], out=tmp_path, progress=silent)
    assert frames[0].frame_index == 9
    assert 10 < frames[-1].frame_index < PICTURES - 1


def test_a_header_that_is_cut_off(made: Made, tmp_path: Path) -> None:
    path = truncate(made("h264.mp4"), tmp_path / "cut.mp4", 0.9)
    with pytest.raises(Failure) as caught:
        probe(path)
    assert caught.value.code is ErrorCode.METADATA_EXTRACTION_FAILED


def torn(made: Made, path: Path, start: float, stop: float) -> Path:
    """The clip with part of its picture data, shares of the file, overwritten with zeros."""
    data = bytearray(made("h264.mp4").read_bytes())
    a, b = int(len(data) * start), int(len(data) * stop)
    data[a:b] = bytes(b - a)
    path.write_bytes(data)
    return path


def test_a_hole_in_the_middle_costs_its_group_only(made: Made, tmp_path: Path) -> None:
    path = torn(made, tmp_path / "torn.mp4", 0.2, 0.4)
    facts = probe(path)
    pictures = sample(path, facts, hz=1000)
    indices = true_indices_where_readable(pictures)
    assert pictures.truncated
    assert set(range(5)) | set(range(31, PICTURES)) <= indices


def true_indices_where_readable(pictures: Sample) -> set[int]:
    """The indices of undamaged pictures, each proven to be of its own index (a decoder conceals what it can)."""
    found = set()
    for picture in pictures:
        try:
            drawn = read_barcode(picture.image)
        except ValueError:
            continue
        if drawn == picture.index:
            found.add(drawn)
    return found


def test_behind_a_hole_the_exact_picture_is_found(made: Made, tmp_path: Path) -> None:
    path = torn(made, tmp_path / "torn.mp4", 0.2, 0.4)
    moments = [Moment(t=0), Moment(t=45 / 30)]
    frames = extract(path, probe(path), moments, out=tmp_path, progress=silent)
    assert [barcode_in(tmp_path / f"{frame.id}.jpg") for frame in frames] == [0, 45]


def test_nothing_but_holes(made: Made, tmp_path: Path) -> None:
    path = torn(made, tmp_path / "torn.mp4", 0.005, 0.8)
    facts = Probe(container="mp4", codec="h264", width=320, height=240, rotation=0, duration_s=2, fps=30, bytes=1)
    for read in (
        lambda: probe(path),
        lambda: list(sample(path, facts, hz=10)),
        lambda: extract(path, facts, [Moment(t=1)], out=tmp_path, progress=silent),
    ):
        with pytest.raises(Failure) as caught:
            read()
        assert caught.value.code is ErrorCode.NO_VALID_FRAMES


def test_a_sample_may_be_left_early(made: Made) -> None:
    path = made("h264.mp4")
    pictures = sample(path, probe(path), hz=10)
    assert next(pictures).index == 0
    pictures.close()
    assert list(pictures) == []
