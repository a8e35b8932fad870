"""What the child has and may use, by its own word or the kernel's, while it is asked about a clip."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.sandbox.limits import LIMITS
from consumer.sandbox.pool import open_sandbox
from consumer.sandbox.spawn import ENVIRONMENT, START_CPU_S
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.sandbox.conftest import LIMIT_S, program, taken_over


async def told(source: str, clip: Path) -> list[str]:
    """What our own child prints when this runs in the place of a decoder."""
    with capture_logs() as logs, pytest.raises(Failure):
        async with open_sandbox(command=taken_over(source)) as box:
            await box.probe(clip, limit_s=LIMIT_S)
    return [line for entry in logs if entry["event"] == "sandbox.stderr" for line in entry["lines"]]


async def test_the_environment_holds_nothing_of_ours(clip: Path) -> None:
    names = await told("print(*os.environ, sep='\\n')", clip)
    # Python itself adds the first, OpenCV the second
    assert set(names) - {"LC_CTYPE", "LD_LIBRARY_PATH"} == set(ENVIRONMENT)
    assert not [name for name in names if name.startswith("AWS_") or "KEY" in name or "TOKEN" in name]


async def test_its_own_session_folder_and_pipes(clip: Path) -> None:
    source = (
        "import fcntl\n"
        "def is_open(number):\n"
        "    try: return fcntl.fcntl(number, fcntl.F_GETFD) >= 0\n"
        "    except OSError: return False\n"
        "print(os.getcwd(), *filter(is_open, range(64)))"
    )
    # stdin, stdout (which is stderr there), stderr, and the pipe for replies
    assert await told(source, clip) == ["/ 0 1 2 3"]
    async with open_sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        stat = Path(f"/proc/{box.pid}/stat").read_text().rpartition(")")[2].split()
        assert (int(stat[2]), int(stat[3])) == (box.pid, box.pid)
        assert int(Path(f"/proc/{box.pid}/oom_score_adj").read_text()) == 1000


async def test_limits_are_on(clip: Path) -> None:
    names = ("AS", "NOFILE", "CORE", "FSIZE", "CPU")
    source = f"import resource\nfor name in {names}: print(*resource.getrlimit(getattr(resource, 'RLIMIT_' + name)))"
    *limits, cpu = await told(source, clip)
    wanted = (LIMITS.memory_bytes, LIMITS.open_files, 0, 0)
    assert limits == [f"{value} {value}" for value in wanted]
    assert int(cpu.split()[0]) == 2 * LIMIT_S + START_CPU_S


async def test_out_of_cpu_time_is_a_time_out() -> None:
    source = "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (1, 9))\nwhile True: pass"
    async with open_sandbox(command=program(source)) as box:
        with pytest.raises(Failure) as caught:
            await box.probe(Path("x"), limit_s=LIMIT_S)
    assert caught.value.code is ErrorCode.DECODER_TIMEOUT
    assert caught.value.detail == "out of CPU time"


async def test_prints_of_libraries_do_not_reach_the_protocol(clip: Path) -> None:
    source = "os.write(1, b'[h264] a line that C code printed\\n')\nprint('and one of ours', flush=True)"
    assert await told(source, clip) == ["[h264] a line that C code printed", "and one of ours"]
