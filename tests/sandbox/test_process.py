"""The sandbox from the worker's side: its answers, and every way in which the child can end."""

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from consumer.media.facts import Moment, Probe, even_times
from consumer.sandbox.pool import open_sandbox
from consumer.sandbox.process import Sandbox
from consumer.sandbox.protocol import MAX_PICTURES_BYTES, Progress
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.clips import barcode_in
from tests.sandbox.conftest import LIMIT_S, ends, program

FRAMES = '{"reply": "result", "kind": "extract", "frames": ['


async def failed_probe(box: Sandbox, path: Path, limit_s: float = LIMIT_S) -> Failure:
    with pytest.raises(Failure) as caught:
        await box.probe(path, limit_s=limit_s)
    return caught.value


async def test_one_child_answers_request_after_request(clip: Path, tmp_path: Path) -> None:
    heard: list[Progress] = []
    async with open_sandbox(clip) as box:
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
    async with open_sandbox(clip) as box:
        failure = await failed_probe(box, text)
        assert failure.code is ErrorCode.UNSUPPORTED_CONTAINER
        assert (await box.probe(clip, limit_s=LIMIT_S)).codec == "h264"


async def test_an_unexpected_error_in_the_child_is_internal_and_logged(clip: Path, tmp_path: Path) -> None:
    with capture_logs() as logs:
        async with open_sandbox(clip) as box:
            failure = await failed_probe(box, tmp_path / "is-not-there.mp4")
            assert failure.code is ErrorCode.INTERNAL
            assert (await box.probe(clip, limit_s=LIMIT_S)).codec == "h264"
    (entry,) = logs
    assert entry["event"] == "sandbox.stderr"
    assert entry["lines"][-1].startswith("FileNotFoundError")


async def test_a_killed_child_has_crashed(clip: Path) -> None:
    async with open_sandbox(clip) as box:
        await box.probe(clip, limit_s=LIMIT_S)
        psutil.Process(box.pid).kill()
        failure = await failed_probe(box, clip)
        assert failure.code is ErrorCode.DECODER_CRASHED
        # and says so from then on
        assert (await failed_probe(box, clip)).code is ErrorCode.DECODER_CRASHED


async def test_a_child_killed_at_work_has_crashed(clip: Path) -> None:
    async with open_sandbox(clip) as box:
        await box.probe(clip, limit_s=LIMIT_S)
        child = psutil.Process(box.pid)
        child.suspend()
        asked = asyncio.create_task(failed_probe(box, clip))
        await asyncio.sleep(0)
        child.kill()
        assert (await asked).code is ErrorCode.DECODER_CRASHED


async def test_a_child_that_hangs_is_killed(clip: Path) -> None:
    async with open_sandbox(clip) as box:
        await box.probe(clip, limit_s=LIMIT_S)
        psutil.Process(box.pid).suspend()
        failure = await failed_probe(box, clip, limit_s=0.3)
        assert failure.code is ErrorCode.DECODER_TIMEOUT
        assert ends(box.pid)


async def test_cancelling_kills_at_once(clip: Path) -> None:
    async with open_sandbox(clip) as box:
        await box.probe(clip, limit_s=LIMIT_S)
        psutil.Process(box.pid).suspend()
        asked = asyncio.create_task(box.probe(clip, limit_s=LIMIT_S))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asked, timeout=0.2)
        assert asked.cancelled()
        assert ends(box.pid)


async def test_leaving_the_sandbox_by_an_error_kills() -> None:
    async def fail() -> None:
        async with open_sandbox() as box:
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
        async with open_sandbox(command=program(source)) as box:
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
        # what would make the worker try for ever, or leave the job to nobody
        ('print(\'{"reply": "failure", "code": "SCRATCH_FULL", "detail": ""}\')', "errors in a reply"),
        ('print(\'{"reply": "failure", "code": "LEASE_LOST", "detail": ""}\')', "errors in a reply"),
        ('print(\'{"reply": "failure", "code": "NO_VALID_FRAMES", "detail": "a\\\\u001b[2J"}\')', "nobody can use"),
        ('print(\'{"reply": "ready"}\')', "another question"),
        # each of its objects lacks six values, and each of those is an error to note
        (f"print({FRAMES!r} + '{{}},' * 1_000_000 + '{{}}]}}')", "more than any"),
        (f"print({FRAMES!r} + '0,' * 2_000_000 + '0]}}')", "more than any"),
        (f"print({FRAMES!r} + '9' * 4_000_000 + ']}}')", "errors in a reply"),
        ("import pickle; sys.stdout.buffer.write(pickle.dumps(print) + b'\\n')", "errors in a reply"),
    ],
)
async def test_a_child_that_breaks_the_protocol_has_crashed(source: str, detail: str) -> None:
    async with open_sandbox(command=program(source)) as box:
        failure = await failed_probe(box, Path("x"))
        assert failure.code is ErrorCode.DECODER_CRASHED
        assert detail in failure.detail
        assert ends(box.pid)


JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
FRAME = '{{"id": "{id}", "t": {t}, "frame_index": 0, "why": "even", "width": 1, "height": 1}}'


def sends(*pictures: tuple[str, bytes], frames: Sequence[str] = (), t: str = "0") -> str:
    """A child that sends these pictures and then says that it made these frames."""
    listed = ", ".join(FRAME.format(id=name, t=t) for name in frames)
    steps = ["out = sys.stdout.buffer"]
    for name, data in pictures:
        line = f'{{"reply": "picture", "id": "{name}", "bytes": {len(data)}}}\n'.encode()
        steps.append(f"out.write({line + data!r})")
    result = f'{{"reply": "result", "kind": "extract", "frames": [{listed}]}}\n'.encode()
    return "\n".join([*steps, f"out.write({result!r})", "out.flush()", "sys.stdin.read()"])


async def extracted(source: str, clip: Path, out: Path) -> list[str]:
    facts = Probe(container="mp4", codec="h264", width=1, height=1, rotation=0, duration_s=1, fps=30, bytes=1)
    async with open_sandbox(command=program(source)) as box:
        frames = await box.extract(clip, facts, [Moment(t=0)], out=out, limit_s=LIMIT_S)
    return [frame.id for frame in frames]


async def test_pictures_are_written_by_the_parent(clip: Path, tmp_path: Path) -> None:
    source = sends(("f00", JPEG), ("f01", JPEG + JPEG), frames=["f00", "f01"])
    assert await extracted(source, clip, tmp_path) == ["f00", "f01"]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"f00.jpg": JPEG, "f01.jpg": JPEG + JPEG}


@pytest.mark.parametrize(
    "source",
    [
        *(sends((name, JPEG), frames=[name]) for name in ("../stolen", "/etc/passwd", "f0", "f00000", "", "f00\u0000")),
        sends(frames=["f00"]),
        sends(("f00", JPEG)),
        sends(("f00", JPEG), frames=["f00", "f00"]),
        sends(("f00", JPEG), ("f00", JPEG), frames=["f00"]),
        sends(("f00", b"<html>"), frames=["f00"]),
        sends(("f00", JPEG), frames=["f00"], t="NaN"),
        sends(("f00", JPEG), frames=["f00"], t="1e999"),
        sends(("f00", JPEG), frames=["f00"], t="9" * 400),
        sends(*((f"f{index:03d}", JPEG) for index in range(300))),
        'print(\'{"reply": "picture", "id": "f00", "bytes": 9000000000}\')',
        'print(\'{"reply": "picture", "id": "f00", "bytes": 90}\')',
    ],
)
async def test_pictures_that_are_not_believed(clip: Path, tmp_path: Path, source: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(Failure) as caught:
        await extracted(source, clip, out)
    assert caught.value.code is ErrorCode.DECODER_CRASHED
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert all(re.fullmatch(r"f\d{2,4}\.jpg", path.name) for path in out.iterdir())


async def test_more_bytes_of_pictures_than_a_job_may_keep(clip: Path, tmp_path: Path) -> None:
    source = (
        "out = sys.stdout.buffer\n"
        "data = b'\\xff\\xd8\\xff' + bytes(7_000_000) + b'\\xff\\xd9'\n"
        "for n in range(10, 99):\n"
        '    out.write(b\'{"reply": "picture", "id": "f%d", "bytes": %d}\\n\' % (n, len(data)) + data)\n'
    )
    with pytest.raises(Failure) as caught:
        await extracted(source, clip, tmp_path)
    assert caught.value.code is ErrorCode.DECODER_CRASHED
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= MAX_PICTURES_BYTES


async def test_a_picture_is_never_written_through_a_link(clip: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", tmp_path / "other.jpg"
    out.mkdir()
    other.write_text("of another job")
    (out / "f00.jpg").symlink_to(other)
    with pytest.raises(FileExistsError):
        await extracted(sends(("f00", JPEG), frames=["f00"]), clip, out)
    assert other.read_text() == "of another job"


async def test_what_it_says_on_stderr_is_read_and_bounded() -> None:
    source = "for n in range(20_000): sys.stderr.write(f'{n} ' + 'x' * 500 + '\\n')"
    with capture_logs() as logs:
        async with open_sandbox(command=program(source)) as box:
            assert (await failed_probe(box, Path("x"))).code is ErrorCode.DECODER_CRASHED
    (entry,) = logs
    assert len(entry["lines"]) <= 20
    assert max(len(line) for line in entry["lines"]) <= 300
    assert entry["lines"][-1].startswith("19999 ")


@pytest.mark.parametrize(
    "line",
    ["sys.stderr.write('x' * 99_999)", 'print(\'{"reply": "progress", "stage": "probe", "share": 0.5}\')'],
    ids=["stderr", "progress"],
)
async def test_a_flood_ends_the_child_and_others_have_their_turn(line: str) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with open_sandbox(command=program(f"while True: {line}")) as box:
        ticking = asyncio.create_task(others())
        assert (await failed_probe(box, Path("x"))).code is ErrorCode.DECODER_CRASHED
        assert ends(box.pid)
        ticking.cancel()
    assert turns > 0


@pytest.mark.parametrize("admitted", [False, True])
def test_the_child_dies_with_a_parent_that_was_killed(clip: Path, *, admitted: bool) -> None:
    source = (
        "import asyncio\n"
        "import sys\n"
        "from pathlib import Path\n"
        "from consumer.sandbox.pool import open_sandbox\n"
        "async def main():\n"
        "    async with open_sandbox() as box:\n"
        "        for clip in sys.argv[1:]: await box.probe(Path(clip), limit_s=30)\n"
        "        print(box.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[2]
    command = (sys.executable, "-c", source, *([str(clip)] if admitted else []))
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        child.wait(timeout=10)
