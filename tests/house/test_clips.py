"""The clips of the tests themselves."""

import os
from pathlib import Path

from tests.clips import AV1, barcodes, write_clip


def test_no_encoder_makes_this_process_a_real_time_one(tmp_path: Path) -> None:
    write_clip(tmp_path / "clip.mp4", barcodes(3), AV1)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
