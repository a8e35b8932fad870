"""Children that die at work in every way, between good ones: the job gets its word, is tried once more, and no other
job notices. The clip is the exploit here: what it holds runs in the place of the decoder, behind the real walls.
"""

import asyncio
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from consumer.engine.policy import Fail, Retry, policy_of_catalogue
from consumer.sandbox.pool import Pool
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.sandbox.conftest import ends, nothing_left, program, taken_over

pytestmark = pytest.mark.usefixtures(nothing_left.__name__)

# for what ends by itself, also on a crowded machine; and for what does not
LIMIT_S, HANGING_S = 30.0, 2.0
SIDE_BY_SIDE = 3
CRASHED, TIMEOUT = ErrorCode.DECODER_CRASHED, ErrorCode.DECODER_TIMEOUT
GROWTH_BYTES = 64 * 1024 * 1024

DEAF = "import signal\nfor n in {*range(1, 32)} - {9, 19}: signal.signal(n, signal.SIG_IGN)"
DEATHS = {
    "SIGSEGV": ("import ctypes; ctypes.string_at(0)", CRASHED),
    "SIGKILL": ("os.kill(os.getpid(), 9)", CRASHED),
    "SIGABRT": ("os.abort()", CRASHED),
    "exit": ("os._exit(0)", CRASHED),
    "an interpreter that gives up": ("raise SystemExit(7)", CRASHED),
    "more memory than a clip may take": ("bytearray(3 << 30)", CRASHED),
    "an endless loop": ("while True: pass", TIMEOUT),
    "an endless loop that ignores signals": (f"{DEAF}\nwhile True: pass", TIMEOUT),
    "sleep": ("import time; time.sleep(600)", TIMEOUT),
    "SIGSTOP": ("os.kill(os.getpid(), 19)", TIMEOUT),
    "half a line": ("outbox._pipe.write(b'{\"reply\": '); outbox._pipe.flush()\nimport time; time.sleep(600)", TIMEOUT),
    "a line without end": ("while True: outbox._pipe.write(b'x' * (1 << 20))", CRASHED),
    "1 GB of output": ("for _ in range(1 << 14): os.write(2, bytes(1 << 16))\nimport time; time.sleep(600)", CRASHED),
    "no way to answer": ("os.close(outbox._pipe.fileno())\nimport time; time.sleep(600)", CRASHED),
    "progress without end": ("while True: outbox.send(Progress(stage='probe', share=0.5))", CRASHED),
    "a shell": ("os.execv('/bin/sh', ['sh', '-c', 'kill -9 $PPID'])", CRASHED),
    "forked grandchildren": ("os.fork()", CRASHED),
}


async def end_of(pool: Pool, clip: Path, limit_s: float = LIMIT_S) -> Failure:
    """How a job about this clip ends."""
    async with pool.decoder() as box:
        with pytest.raises(Failure) as caught:
            await box.probe(clip, limit_s=limit_s)
    return caught.value


@pytest.mark.timeout(300)
async def test_they_die_and_their_neighbours_complete(tmp_path: Path) -> None:
    good, turns = tmp_path / "good.mp4", asyncio.Semaphore(SIDE_BY_SIDE)
    good.write_text("")
    before = psutil.Process().memory_info().rss

    found: dict[str, tuple[ErrorCode, str]] = {}

    async def job(number: int, name: str, exploit: str, code: ErrorCode) -> None:
        bad = tmp_path / f"bad-{number}.mp4"
        bad.write_text(exploit)
        limit_s = HANGING_S if code is TIMEOUT else LIMIT_S
        async with turns:
            died, neighbour = await asyncio.gather(end_of(pool, bad, limit_s), end_of(pool, good))
            found[name] = died.code, neighbour.detail

    with capture_logs():
        async with Pool(command=taken_over(), spares=2) as pool, asyncio.TaskGroup() as jobs:
            for number, (name, (exploit, code)) in enumerate(DEATHS.items()):
                jobs.create_task(job(number, name, exploit, code))
    assert found == {name: (code, "done") for name, (_, code) in DEATHS.items()}
    assert psutil.Process().memory_info().rss - before < GROWTH_BYTES


@pytest.mark.parametrize("code", {code for _, code in DEATHS.values()})
def test_a_death_is_tried_once_more_and_then_final(code: ErrorCode) -> None:
    policy = policy_of_catalogue(max_tries=3)
    decisions = [policy.decide(Failure(code), tries=n, receives=n, chance=lambda: 0.5) for n in (1, 2)]
    assert [type(decision) for decision in decisions] == [Retry, Fail]


async def test_grandchildren_go_with_a_child_that_has_no_walls(tmp_path: Path) -> None:
    """Where the kernel lets it fork, its group is killed with it."""
    source = (
        "import os, time\n"
        "for _ in range(3): os.fork()\n"
        "print(os.getpid(), file=sys.stderr, flush=True)\n"
        "time.sleep(600)\n"
    )
    with capture_logs() as logs:
        async with Pool(command=program(source)) as pool:
            failure = await end_of(pool, tmp_path / "clip.mp4", limit_s=1.0)
    assert failure.code is TIMEOUT
    (entry,) = logs
    assert len(entry["lines"]) == 8
    assert all(ends(int(line)) for line in entry["lines"])
