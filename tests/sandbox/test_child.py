"""What the child may see and use, asked of the kernel while it runs."""

from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from consumer.sandbox.limits import LIMITS
from consumer.sandbox.pool import open_sandbox
from consumer.sandbox.spawn import ENVIRONMENT, START_CPU_S
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.sandbox.conftest import LIMIT_S, program


async def test_the_environment_holds_nothing_of_ours(clip: Path) -> None:
    async with open_sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        seen: Mapping[str, str] = psutil.Process(box.pid).environ()
    assert set(seen) == set(ENVIRONMENT)
    assert not [name for name in seen if name.startswith("AWS_") or "KEY" in name or "TOKEN" in name]


async def test_its_own_session_folder_and_pipes(clip: Path) -> None:
    async with open_sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        child = psutil.Process(box.pid)
        assert child.cwd() == "/"
        stat = Path(f"/proc/{box.pid}/stat").read_text().rpartition(")")[2].split()
        assert (int(stat[2]), int(stat[3])) == (box.pid, box.pid)
        # stdin, stdout (which is stderr there), stderr, and the pipe for replies
        assert child.num_fds() == 4


async def test_limits_are_on(clip: Path) -> None:
    async with open_sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        child = psutil.Process(box.pid)
        assert child.rlimit(psutil.RLIMIT_AS) == (LIMITS.memory_bytes, LIMITS.memory_bytes)
        assert child.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)
        assert child.rlimit(psutil.RLIMIT_NOFILE) == (LIMITS.open_files, LIMITS.open_files)
        assert child.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert 0 < child.rlimit(psutil.RLIMIT_CPU)[0] <= 2 * LIMIT_S + START_CPU_S


async def test_out_of_cpu_time_is_a_time_out() -> None:
    source = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 9))\nwhile True: pass"
    async with open_sandbox(command=program(source)) as box:
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
    async with open_sandbox(command=program(source)) as box:
        with pytest.raises(Failure) as caught:
            await box.probe(Path("x"), limit_s=LIMIT_S)
    assert caught.value.code is ErrorCode.NO_VALID_FRAMES
