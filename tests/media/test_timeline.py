"""Times read from packets: what is not shown is not counted."""

from dataclasses import replace
from pathlib import Path

import av
import pytest

from consumer.media.boxes import Overgrown, declared_samples
from consumer.media.decode import sample
from consumer.media.facts import Moment
from consumer.media.frames import extract
from consumer.media.probe import probe
from tests.clips import H264_B, barcode_in, barcodes, read_barcode, write_clip
from tests.media.conftest import PICTURES, Made
from tests.media.test_exact import silent


def with_hidden_pictures(source: Path, path: Path) -> Path:
    """VP8 with a copy of every keyframe behind it that is decoded and not shown."""
    with av.open(str(source)) as read, av.open(str(path), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(read.streams.video[0]):
            if packet.pts is None:
                continue
            data, pts, base = bytearray(packet), packet.pts, packet.time_base
            shown = [(bytes(data), pts, packet.is_keyframe)]
            if packet.is_keyframe:
                data[0] &= ~0x10
                shown.append((bytes(data), pts + 1, True))
            for part, at, is_key in shown:
                copy = av.Packet(part)
                copy.pts = copy.dts = at
                copy.time_base, copy.stream, copy.is_keyframe = base, stream, is_key
                write.mux(copy)
    return path


def test_hidden_vp8_pictures_are_not_counted(made: Made, tmp_path: Path) -> None:
    path = with_hidden_pictures(made("vp8.webm"), tmp_path / "hidden.webm")
    facts = probe(path)
    assert facts.pictures == PICTURES
    pictures = list(sample(path, facts, hz=1000))
    assert [read_barcode(picture.image) for picture in pictures] == [picture.index for picture in pictures]
    assert len(pictures) == PICTURES


@pytest.mark.parametrize("gop", [30, 250])
def test_what_a_trim_cut_off_is_decoded_and_not_shown(tmp_path: Path, gop: int) -> None:
    """A phone's trim keeps the packets from the last keyframe on and hides their pictures by an edit list."""
    trimmed = replace(H264_B, gop=gop, offset_s=-1.2, container_options={"avoid_negative_ts": "disabled"})
    path = write_clip(tmp_path / "trimmed.mp4", barcodes(PICTURES), trimmed)
    facts = probe(path)
    assert (facts.pictures, facts.truncated) == (24, False)
    assert facts.duration_s == pytest.approx(0.8, abs=0.01)
    pictures = list(sample(path, facts, hz=1000))
    assert [read_barcode(picture.image) for picture in pictures] == list(range(36, 60))
    assert [picture.index for picture in pictures] == list(range(24))
    frames = extract(path, facts, [Moment(t=0), Moment(t=0.5)], out=tmp_path, progress=silent)
    assert [barcode_in(tmp_path / f"{frame.id}.jpg") - frame.frame_index for frame in frames] == [36, 36]


@pytest.mark.parametrize("name", ["h264.mp4", "h264-fragments.mp4", "prores.mov", "hevc-b-90.mp4"])
def test_declared_samples_are_the_real_ones(made: Made, name: str) -> None:
    with made(name).open("rb") as file:
        assert declared_samples(file, made(name).stat().st_size) == PICTURES


def test_a_header_of_boxes_alone_ends(tmp_path: Path) -> None:
    path = tmp_path / "boxes.mp4"
    path.write_bytes(b"\0\0\0\x08free" * 60_000)
    with path.open("rb") as file, pytest.raises(Overgrown):
        declared_samples(file, path.stat().st_size)


@pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\0\0\0\x01moov", b"\0\0\0\x04moov" * 9, b"\xff" * 64, bytes(64)])
def test_malformed_boxes_end_the_count(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "odd.mp4"
    path.write_bytes(data)
    with path.open("rb") as file:
        assert declared_samples(file, len(data)) == 0
