from pathlib import Path

import pytest

from tests.clips import (
    AV1,
    H264,
    H264_B,
    HEVC_B,
    MJPEG,
    MPEG4,
    PRORES,
    VP8,
    VP9,
    barcodes,
    replace,
    write_clip,
)

FAST = {"movflags": "faststart"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
CLIPS = {
    "h264.mp4": H264_B,
    "front.mp4": replace(H264, container_options=FAST),
    "fragments.mp4": replace(H264_B, container_options=FRAGMENTED),
    "quarter.mov": replace(H264_B, rotation=90),
    "half.mp4": replace(H264, rotation=180),
    "left.mp4": replace(HEVC_B, rotation=270),
    "late.mp4": replace(H264_B, offset_s=2.0),
    "uneven.mp4": replace(H264, times=[index / 30 + 0.01 * (index % 3) for index in range(40)]),
    "av1.mp4": AV1,
    "prores.mov": PRORES,
    "mjpeg.mov": MJPEG,
    "phone.3gp": MPEG4,
    "vp9.webm": VP9,
    "vp8.webm": VP8,
    "h264.mkv": H264_B,
    "mpeg4.avi": MPEG4,
    "mjpeg.avi": MJPEG,
}


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Forty pictures of each kind of file, the index of each drawn into it."""
    folder = tmp_path_factory.mktemp("kinds")
    return {name: write_clip(folder / name, barcodes(40), encoding) for name, encoding in CLIPS.items()}
