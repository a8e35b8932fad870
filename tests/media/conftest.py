"""Clips that several tests read, each encoded once a session."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests import clips
from tests.clips import Encoding, barcodes, write_clip

PICTURES = 60
# two long pauses, two rates, and steps below a frame
UNEVEN = (0, 0.033, 0.1, 0.5, 0.52, 0.54, 1.2, 1.9, 2.0, 2.033, *(2.1 + 0.05 * step for step in range(50)))
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}

ENCODINGS: dict[str, Encoding] = {
    "h264.mp4": clips.H264,
    "h264-b.mp4": clips.H264_B,
    "h264-b.mkv": clips.H264_B,
    "h264-b.avi": clips.H264_B,
    "h264-fragments.mp4": replace(clips.H264, container_options=FRAGMENTS),
    "h264-long-group.mp4": replace(clips.H264_B, gop=250),
    "h264-180.mp4": replace(clips.H264, rotation=180),
    "h264-270.mov": replace(clips.H264, rotation=270),
    "h264-uneven.mp4": replace(clips.H264_B, times=UNEVEN),
    "h264-from-5s.mkv": replace(clips.H264, offset_s=5),
    "h264-from-5s.mp4": replace(clips.H264_B, offset_s=5),
    "hevc.mp4": clips.HEVC,
    "hevc-b-90.mp4": replace(clips.HEVC_B, rotation=90),
    "vp8.webm": clips.VP8,
    "vp9.webm": clips.VP9,
    "vp9-no-duration.webm": replace(clips.VP9, container_options={"live": "1"}),
    "vp9-uneven.webm": replace(clips.VP9, times=UNEVEN),
    "av1.mp4": clips.AV1,
    "mpeg4.avi": clips.MPEG4,
    "mjpeg.mov": clips.MJPEG,
    "prores.mov": clips.PRORES,
}

Made = Callable[[str], Path]


def true_times(name: str) -> list[float]:
    """When each picture of a clip of ENCODINGS is shown, in seconds from its first one."""
    encoding = ENCODINGS[name]
    return list(UNEVEN) if encoding.times is not None else [index / encoding.fps for index in range(PICTURES)]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The clip of ENCODINGS with that name."""
    folder = tmp_path_factory.mktemp("clips")

    @cache
    def make(name: str) -> Path:
        return write_clip(folder / name, barcodes(PICTURES), ENCODINGS[name])

    return make
