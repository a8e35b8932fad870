"""The sandbox from the worker's side: its answers, and every way in which the child can end."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from consumer.media.facts import Moment, even_times
from consumer.sandbox.process import Sandbox
from consumer.sandbox.protocol import Progress
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.clips import barcode_in
from tests.sandbox.conftest import LIMIT_S, ends, program


async def failed_probe(box: Sandbox, path: Path, limit_s: float = LIMIT_S) -> Failure:
    with pytest.raises(Failure) as caught:
        await box.probe(path, limit_s=limit_s)
    return caught.value


async def test_one_child_answers_request_after_request(clip: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    async with Sandbox() as box:
        facts = await box.probe(clip, limit_s=LIMIT_S)
        frames = await box.extract(
            clip, facts, even_times(2.0), out=tmp_path, limit_s=LIMIT_S, on_progress=heard.append
        )
        assert await box.probe(clip, limit_s=LIMIT_S) == facts
    assert facts.pictures == 60
    assert [barcode_in(tmp_path / f"{frame.id}.jpg") for frame in frames] == [f.frame_index for f in frames]
    assert heard
    assert {progress.stage for progress in heard} == {"extract"}


async def test_a_refusal_comes_through_and_the_child_lives_on(clip: Path, tmp_path: Path) -> None:
    text = tmp_path / "clip.mp4"
    text.write_text("not a video " * 200)
    async with Sandbox() as box:
        failure = await failed_probe(box, text)
        assert failure.code is ErrorCode.UNSUPPORTED_CONTAINER
        assert (await box.probe(clip, limit_s=LIMIT_S)).codec == "h264"


async def test_an_unexpected_error_in_the_child_is_internal_and_logged(clip: Path, tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with Sandbox() as box:
            failure = await failed_probe(box, tmp_path / "is-not-there.mp4")
            assert failure.code is ErrorCode.INTERNAL
            assert (await box.probe(clip, limit_s=LIMIT_S)).codec == "h264"
    (entry,) = logs
    assert entry["event"] == "sandbox.stderr"
    assert entry["lines"][-1].startswith("FileNotFoundError")


async def test_a_killed_child_has_crashed(clip: Path) -> None:
    async with Sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        psutil.Process(box.pid).kill()
        failure = await failed_probe(box, clip)
        assert failure.code is ErrorCode.DECODER_CRASHED
        # and says so from then on
        assert (await failed_probe(box, clip)).code is ErrorCode.DECODER_CRASHED


async def test_a_child_killed_at_work_has_crashed(clip: Path) -> None:
    async with Sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        child = psutil.Process(box.pid)
        child.suspend()
        asked = asyncio.create_task(failed_probe(box, clip))
        await asyncio.sleep(0)
        child.kill()
        assert (await asked).code is ErrorCode.DECODER_CRASHED


async def test_a_child_that_hangs_is_killed(clip: Path) -> None:
    async with Sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        psutil.Process(box.pid).suspend()
        failure = await failed_probe(box, clip, limit_s=0.3)
        assert failure.code is ErrorCode.DECODER_TIMEOUT
        assert ends(box.pid)


async def test_cancelling_kills_at_once(clip: Path) -> None:
    async with Sandbox() as box:
        await box.probe(clip, limit_s=LIMIT_S)
        psutil.Process(box.pid).suspend()
        asked = asyncio.create_task(box.probe(clip, limit_s=LIMIT_S))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked, timeout=0.2)
        assert asked.cancelled()
        assert ends(box.pid)


async def test_leaving_the_sandbox_by_an_error_kills() -> None:
    async def fail() -> None:
        async with Sandbox() as box:
            pids.append(box.pid)
            raise ZeroDivisionError

    pids: list[int] = []
    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not psutil.pid_exists(pids[0])


async def test_what_the_child_started_goes_with_it() -> None:
    source = (
        "import subprocess, sys\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "print(child.pid, file=sys.stderr, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with capture_logs() as logs:
        async with Sandbox(program(source)) as box:
            failure = await failed_probe(box, Path("x"), limit_s=0.5)
    assert failure.code is ErrorCode.DECODER_TIMEOUT
    assert ends(int(logs[0]["lines"][0]))


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("print('Segmentation fault')", "errors in a reply"),
        ("print('{}')", "errors in a reply"),
        ("print('x' * 10_000_000)", "too long"),
        ("import sys\nwhile True: sys.stdout.write('x' * 65536)", "too long"),
        ("print('[' * 100_000)", "errors in a reply"),
        ("pass", "ended with 0"),
        ("import os; os.abort()", f"ended with {-signal.SIGABRT}"),
        ('print(\'{"reply": "result", "kind": "extract", "frames": []}\')', "another question"),
        ('print(\'{"reply": "progress", "stage": "probe", "share": 2}\')', "errors in a reply"),
        ('print(\'{"reply": "failure", "code": "MADE_UP", "detail": ""}\')', "errors in a reply"),
    ],
)
async def test_a_child_that_breaks_the_protocol_has_crashed(source: str, detail: str) -> None:
    async with Sandbox(program(source)) as box:
        failure = await failed_probe(box, Path("x"))
        assert failure.code is ErrorCode.DECODER_CRASHED
        assert detail in failure.detail
        assert ends(box.pid)


@pytest.mark.parametrize("name", ["../stolen", "f00/../../stolen", "/etc/passwd", "f0", "link", "f77"])
async def test_a_frame_elsewhere_is_not_believed(clip: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "stolen.jpg").write_text("of another job")
    (out / "f77.jpg").symlink_to(tmp_path / "stolen.jpg")
    frame = f'{{"id": "{name}", "t": 0, "frame_index": 0, "why": "even", "width": 1, "height": 1}}'
    source = f'print(\'{{"reply": "result", "kind": "extract", "frames": [{frame}]}}\')'
    async with Sandbox() as honest:
        facts = await honest.probe(clip, limit_s=LIMIT_S)
    async with Sandbox(program(source)) as box:
        with pytest.raises(Failure) as caught:
            await box.extract(clip, facts, [Moment(t=0)], out=out, limit_s=LIMIT_S)
    assert caught.value.code is ErrorCode.DECODER_CRASHED


async def test_a_flood_on_stderr_is_read_and_bounded() -> None:
    source = "import sys\nfor n in range(200_000): sys.stderr.write(f'{n} ' + 'x' * 500 + '\\n')"
    with capture_logs() as logs:
        async with Sandbox(program(source)) as box:
            assert (await failed_probe(box, Path("x"))).code is ErrorCode.DECODER_CRASHED
    (entry,) = logs
    assert len(entry["lines"]) <= 20
    assert max(len(line) for line in entry["lines"]) <= 300
    assert entry["lines"][-1].startswith("199999 ")


def test_the_child_dies_with_a_parent_that_was_killed() -> None:
    source = (
        "import asyncio\n"
        "from consumer.sandbox.process import Sandbox\n"
        "async def main():\n"
        "    async with Sandbox() as box:\n"
        "        print(box.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen((sys.executable, "-c", source), cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(timeout=10)
