"""What the child may see and use, asked of the kernel while it runs, and bombs thrown at it."""

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from consumer.sandbox.limits import LIMITS
from consumer.sandbox.process import Sandbox
from consumer.sandbox.spawn import ENVIRONMENT
from core.error_codes import ErrorCode
from core.failure import Failure
from tests import clips
from tests.clips import barcodes, write_clip
from tests.sandbox.conftest import LIMIT_S, program

PEAK_BYTES = 512 * 1024 * 1024
BOMB_S = 10


async def test_the_environment_holds_nothing_of_ours(clip: Path) -> None:
    async with Sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        seen: Mapping[str, str] = psutil.Process(box.pid).environ()
    assert set(seen) == set(ENVIRONMENT)
    assert not [name for name in seen if name.startswith("AWS_") or "KEY" in name or "TOKEN" in name]


async def test_its_own_session_folder_and_pipes(clip: Path) -> None:
    async with Sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        child = psutil.Process(box.pid)
        assert child.cwd() == "/"
        stat = Path(f"/proc/{box.pid}/stat").read_text().rpartition(")")[2].split()
        assert (int(stat[2]), int(stat[3])) == (box.pid, box.pid)
        # stdin, stdout (which is stderr there), stderr, and the pipe for replies
        assert child.num_fds() == 4


async def test_limits_are_on(clip: Path) -> None:
    async with Sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        child = psutil.Process(box.pid)
        assert child.rlimit(psutil.RLIMIT_AS) == (LIMITS.memory_bytes, LIMITS.memory_bytes)
        assert child.rlimit(psutil.RLIMIT_FSIZE) == (LIMITS.file_bytes, LIMITS.file_bytes)
        assert child.rlimit(psutil.RLIMIT_NOFILE) == (LIMITS.open_files, LIMITS.open_files)
        assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert 0 < child.rlimit(psutil.RLIMIT_CPU)[0] <= 2 * LIMIT_S + 10


async def test_out_of_cpu_time_is_a_time_out() -> None:
    source = "from consumer.sandbox.limits import allow_cpu\nallow_cpu(1)\nwhile True: pass"
    async with Sandbox(program(source)) as box:
        with pytest.raises(Failure) as caught:
            await box.probe(Path("x"), limit_s=LIMIT_S)
    assert caught.value.code is ErrorCode.DECODER_TIMEOUT
    assert caught.value.detail == "out of CPU time"


async def test_prints_of_libraries_do_not_reach_the_protocol() -> None:
    source = (
        "import os\n"
        "from consumer.sandbox.child import take_stdout\n"
        "replies = take_stdout()\n"
        "os.write(1, b'[h264] a line that C code printed\\n')\n"
        "print('and one of ours', flush=True)\n"
        'replies.write(b\'{"reply": "failure", "code": "NO_VALID_FRAMES", "detail": ""}\\n\')\n'
        "replies.flush()\n"
    )
    async with Sandbox(program(source)) as box:
        with pytest.raises(Failure) as caught:
            await box.probe(Path("x"), limit_s=LIMIT_S)
    assert caught.value.code is ErrorCode.NO_VALID_FRAMES


def huge_picture(path: Path) -> Path:
    encoding = replace(clips.H264, options={"preset": "ultrafast", "qp": "40"})
    return write_clip(path / "huge.mp4", [np.zeros((6400, 6400, 3), np.uint8)], encoding)


def many_samples(path: Path) -> Path:
    data = bytearray(write_clip(path / "small.mp4", barcodes(60)).read_bytes())
    struct.pack_into(">II", data, data.index(b"stsz") + 8, 1, 80_000_000)
    (path / "samples.mp4").write_bytes(data)
    return path / "samples.mp4"


def many_pictures(path: Path) -> Path:
    encoding = replace(clips.MPEG4, times=[index / 10_000 for index in range(150_000)])
    return write_clip(path / "pictures.mkv", (np.zeros((16, 16, 3), np.uint8) for _ in range(150_000)), encoding)


def ten_hours(path: Path) -> Path:
    return write_clip(path / "hours.mp4", barcodes(40), replace(clips.H264, times=[index * 900 for index in range(40)]))


def many_streams(path: Path) -> Path:
    with av.open(str(path / "streams.mkv"), "w") as container:
        streams = [container.add_stream("mpeg4", rate=1, width=16, height=16) for _ in range(900)]
        for stream in streams:
            frame = av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), format="bgr24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
            container.mux(stream.encode(None))
    return path / "streams.mkv"


@pytest.mark.parametrize(
    ("bomb", "code"),
    [
        (huge_picture, ErrorCode.VIDEO_TOO_LARGE_PIXELS),
        (many_samples, ErrorCode.INVALID_METADATA),
        (many_pictures, ErrorCode.INVALID_METADATA),
        (ten_hours, ErrorCode.VIDEO_TOO_LONG),
        (many_streams, ErrorCode.INVALID_METADATA),
    ],
)
async def test_bombs_are_refused_small_and_soon(tmp_path: Path, bomb: Callable[[Path], Path], code: ErrorCode) -> None:
    path = bomb(tmp_path)
    async with Sandbox() as box:
        with pytest.raises(Failure) as caught:
            await box.probe(path, limit_s=BOMB_S)
        peak = next(line for line in Path(f"/proc/{box.pid}/status").read_text().splitlines() if "VmHWM" in line)
    assert caught.value.code is code
    assert int(peak.split()[1]) * 1024 < PEAK_BYTES
