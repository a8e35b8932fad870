import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.scratch import open_scratch
from core.error_codes import ErrorCode
from core.failure import Failure

HOLDER = """
import sys
from pathlib import Path
from consumer.scratch import open_scratch
with open_scratch(Path(sys.argv[1]), budget=100) as scratch, scratch.folder(10) as folder:
    (folder / "clip.mp4").write_bytes(b"12345")
    print("ready", flush=True)
    sys.stdin.read()
"""


def holder(root: Path) -> subprocess.Popen[bytes]:
    """Another process that works in the same scratch folder until its stdin ends."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_folder_is_private_and_removed_exactly_once(tmp_path: Path) -> None:
    with open_scratch(tmp_path, budget=100) as scratch, capture_logs() as logs:
        with scratch.folder(60) as folder:
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
            (folder / "clip.mp4").write_bytes(b"12345")
            (folder / "even").mkdir()
        assert not folder.exists()
        assert scratch.reserved == 0
    assert [line["event"] for line in logs] == ["scratch.cleaned"]
    assert list(tmp_path.iterdir()) == []


def test_no_more_than_the_budget_is_reserved(tmp_path: Path) -> None:
    with open_scratch(tmp_path, budget=100) as scratch, scratch.folder(60):
        with pytest.raises(Failure) as refused, scratch.folder(41):
            pass
        assert refused.value.code is ErrorCode.SCRATCH_FULL
        with scratch.folder(40):
            assert scratch.reserved == 100
        assert scratch.reserved == 60


def test_what_never_fits_is_a_mistake_and_not_a_wait(tmp_path: Path) -> None:
    with (
        open_scratch(tmp_path, budget=100) as scratch,
        pytest.raises(ValueError, match="never fit"),
        scratch.folder(101),
    ):
        pass


def test_the_disk_itself_has_the_last_word(tmp_path: Path) -> None:
    with open_scratch(tmp_path, budget=2**70) as scratch, pytest.raises(Failure) as refused, scratch.folder(2**60):
        pass
    assert refused.value.code is ErrorCode.SCRATCH_FULL


def test_a_killed_process_is_swept_after_and_a_living_one_is_not(tmp_path: Path) -> None:
    living, killed = holder(tmp_path), holder(tmp_path)
    killed.kill()
    killed.communicate()
    try:
        with open_scratch(tmp_path, budget=100):
            clips = list(tmp_path.rglob("clip.mp4"))
            assert len(clips) == 1
            assert f"-{living.pid}-" in str(clips[0])
            assert f"-{os.getpid()}-" in " ".join(path.name for path in tmp_path.iterdir())
    finally:
        living.communicate()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_without_its_folder_is_swept_too(tmp_path: Path) -> None:
    (tmp_path / "worker-1-abcdef.lock").touch()
    with open_scratch(tmp_path, budget=100):
        pass
    assert list(tmp_path.iterdir()) == []
