"""Children that wait loaded: one for each job, and the pool gets over all of their deaths."""

import asyncio
import sys
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from consumer.sandbox.pool import Pool
from consumer.sandbox.process import Sandbox
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.sandbox.conftest import LIMIT_S, ends, program, taken_over

REFUSES = 'print(\'{"reply": "failure", "code": "NO_VALID_FRAMES", "detail": ""}\', flush=True); sys.stdin.read()'
JOBS = 200
GROWTH_BYTES = 4 * 1024 * 1024


async def code_of(box: Sandbox, path: Path, limit_s: float = LIMIT_S) -> ErrorCode:
    with pytest.raises(Failure) as caught:
        await box.probe(path, limit_s=limit_s)
    return caught.value.code


# processes of other tests' fixtures, which live as long as the session
strangers: set[int] = set()


@pytest.fixture(autouse=True)
def _strangers() -> None:
    strangers.clear()
    strangers.update(children())


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children()} - strangers


async def until_waiting(count: int) -> set[int]:
    """The children, when there are so many."""
    while len(found := children()) != count:  # noqa: ASYNC110  # the kernel has no event for it
        await asyncio.sleep(0)
    return found


async def test_each_job_has_a_child_that_nobody_had_before(clip: Path) -> None:
    async with Pool() as pool:
        pids = []
        for _ in range(3):
            async with pool.decoder() as box:
                assert (await box.probe(clip, limit_s=LIMIT_S)).pictures == 60
                pids.append(box.pid)
            assert ends(box.pid)
        assert len(set(pids)) == 3
    assert children() == set()


async def test_jobs_side_by_side_have_different_children(clip: Path) -> None:
    async with Pool() as pool, pool.decoder() as one, pool.decoder() as other:
        assert one.pid != other.pid
        found = await asyncio.gather(one.probe(clip, limit_s=LIMIT_S), other.probe(clip, limit_s=LIMIT_S))
        assert found[0] == found[1]


async def test_a_spare_that_dies_while_it_waits_costs_no_job(clip: Path) -> None:
    with capture_logs() as logs:
        async with Pool() as pool:
            async with pool.decoder() as box:
                await box.probe(clip, limit_s=LIMIT_S)
                (spare,) = await until_waiting(2) - {box.pid}
            psutil.Process(spare).kill()
            assert ends(spare)
            async with pool.decoder() as box:
                assert (await box.probe(clip, limit_s=LIMIT_S)).pictures == 60
                assert box.pid != spare
    assert {entry["event"] for entry in logs} <= {"sandbox.spare_lost", "sandbox.start_failed"}


async def test_children_that_never_start_are_our_failure_and_not_the_clips() -> None:
    with capture_logs() as logs:
        async with Pool(command=(sys.executable, "-c", "raise SystemExit('no decoder here')")) as pool:
            with pytest.raises(Failure) as caught:
                async with pool.decoder():
                    pass
    assert caught.value.code is ErrorCode.INTERNAL
    assert [entry["event"] for entry in logs].count("sandbox.start_failed") == 3


async def test_a_job_that_is_cancelled_while_it_waits_leaves_its_spare() -> None:
    async def job() -> None:
        async with pool.decoder():
            await asyncio.Event().wait()

    async with Pool(command=program(REFUSES)) as pool:
        (spare,) = await until_waiting(1)
        waiting = asyncio.create_task(job())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        async with pool.decoder() as box:
            assert box.pid == spare


async def test_a_hung_child_is_killed_and_its_neighbours_go_on(clip: Path) -> None:
    async with Pool() as pool, pool.decoder() as good, pool.decoder() as bad:
        psutil.Process(bad.pid).suspend()
        found = await asyncio.gather(good.probe(clip, limit_s=LIMIT_S), code_of(bad, clip, limit_s=0.3))
        assert found[1] is ErrorCode.DECODER_TIMEOUT
        assert ends(bad.pid)
        async with pool.decoder() as next_one:
            assert await next_one.probe(clip, limit_s=LIMIT_S) == found[0]


async def test_the_worker_stays_as_large_as_it_was(clip: Path) -> None:
    """With a child that starts quickly; bench/sandbox.py does 1,000 jobs with the real one."""
    us = psutil.Process()
    async with Pool(command=(*program(REFUSES)[:1], "-S", *program(REFUSES)[1:])) as pool:
        for job in range(JOBS):
            async with pool.decoder() as box:
                assert await code_of(box, clip) is ErrorCode.NO_VALID_FRAMES
            if job == JOBS // 4:
                before = us.memory_info().rss, us.num_threads()
        after = us.memory_info().rss, us.num_threads()
        files = us.num_fds()
    assert after[0] - before[0] < GROWTH_BYTES
    assert after[1] - before[1] <= 2
    assert files < 60 + len(asyncio.all_tasks())


WITHOUT = """
import ctypes, errno
from consumer.sandbox import linux, seccomp
linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
refused = {numbers}
steps = [(seccomp.LOAD, 0, 0, seccomp.NUMBER)]
for number in refused:
    steps += [(seccomp.EQUALS, 0, 1, number), (seccomp.RETURN, 0, 0, seccomp.NO_SUCH_CALL)]
steps.append((seccomp.RETURN, 0, 0, seccomp.ALLOW))
filters = (seccomp._Filter * len(steps))(*(seccomp._Filter(*step) for step in steps))
whole = seccomp._Program(length=len(steps), filters=ctypes.cast(filters, ctypes.c_void_p))
linux.syscall(seccomp._machine().seccomp, seccomp.SET_MODE_FILTER, 1, ctypes.byref(whole))
"""
CREATE_RULESET, SECCOMP, UNSHARE = 444, "seccomp._machine().seccomp", "linux.SYS_UNSHARE[linux.MACHINE]"


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ([], []),
        ([CREATE_RULESET], ["sandbox.files_open"]),
        # a network of its own stands in for the filter
        ([SECCOMP], ["sandbox.calls_open"]),
        ([UNSHARE], []),
        ([SECCOMP, UNSHARE, CREATE_RULESET], ["sandbox.network_open", "sandbox.files_open", "sandbox.calls_open"]),
    ],
)
async def test_what_a_kernel_cannot_close_is_said_once(clip: Path, missing: list[int | str], said: list[str]) -> None:
    numbers = ", ".join(map(str, missing))
    command = taken_over("", before=WITHOUT.format(numbers=f"({numbers}{',' if missing else ''})"))
    with capture_logs() as logs:
        async with Pool(command=command) as pool:
            for _ in range(2):
                async with pool.decoder() as box:
                    assert await code_of(box, clip) is ErrorCode.NO_VALID_FRAMES
    assert [entry["event"] for entry in logs] == said
