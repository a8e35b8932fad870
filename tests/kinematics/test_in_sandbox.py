"""The analyzer in its child process: it tells how far it is, ends when nobody waits for it, and stays small."""

import asyncio
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import psutil
import pytest

from consumer.sandbox.pool import open_sandbox
from consumer.sandbox.protocol import Progress
from core.pose_weights import model_path
from core.result import Sport
from tests.figure import Climber
from tests.kinematics.conftest import REPO
from tests.kinematics.drawn import ENCODING, pictures, write

CLIMBER = Climber(size=(270, 360), seconds=6.0, walk_s=0.6, moves=4)
MIB = 1024 * 1024
HZ = 10


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("sandbox") / "climb.mp4", pictures(CLIMBER))


@pytest.mark.parametrize("model", ["full", "lite"])
async def test_progress_is_the_share_of_the_clip_with_either_model(
    model: str, clip: Path, weights: Path, tmp_path: Path
) -> None:
    told: list[Progress] = []
    async with open_sandbox(weights) as box:
        facts = await box.probe(clip, limit_s=50)
        path = model_path(weights, "lite" if model == "lite" else "full")
        found = await box.measure(
            clip, facts, Sport.BOULDERING, out=tmp_path, weights=path, limit_s=50, on_progress=told.append
        )
    shares = [one.share for one in told]
    assert shares == sorted(shares)
    # at most one in 0.1 s, however quick the machine: the first, the last, and some of what lies between
    assert len(shares) >= 3
    assert (shares[0] < 0.2, shares[-1]) == (True, 1.0)
    assert found.quality.method == "pose"


async def test_cancelled_it_ends_within_a_second_and_leaves_no_process(
    clip: Path, weights: Path, tmp_path: Path
) -> None:
    begun = asyncio.Event()
    children = set(psutil.Process().children(recursive=True))
    async with open_sandbox(weights) as box:
        facts = await box.probe(clip, limit_s=50)
        work = asyncio.create_task(
            box.measure(
                clip,
                facts,
                Sport.BOULDERING,
                out=tmp_path,
                weights=model_path(weights, "full"),
                limit_s=50,
                on_progress=lambda progress: begun.set() if progress.share > 0.3 else None,
            )
        )
        await begun.wait()
        start = time.monotonic()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert time.monotonic() - start < 1
    assert set(psutil.Process().children(recursive=True)) <= children


ONCE = """
import sys, tempfile
from pathlib import Path
from consumer.kinematics.analyze import measure
from consumer.media.probe import probe
from core.result import Sport
from tests.memory import peak_bytes
path, weights = Path(sys.argv[1]), Path(sys.argv[2])
with tempfile.TemporaryDirectory() as out:
    found = measure(path, probe(path), Sport.BOULDERING, out=Path(out), weights=weights, progress=lambda share: None)
print(found.quality.method, found.video.duration_s, peak_bytes())
"""


def looped(source: Path, path: Path, times: int) -> Path:
    """The clip's packets again and again, one after the other."""
    with av.open(str(source)) as read, av.open(str(path), "w") as written:
        template: Any = read.streams.video[0]
        stream = written.add_stream_from_template(template)
        packets = [packet for packet in read.demux(template) if packet.size]
        kept = [(bytes(packet), packet.pts, packet.dts, packet.is_keyframe) for packet in packets]
        length = round(len(kept) / HZ / template.time_base)
        for turn in range(times):
            for data, pts, dts, is_key in kept:
                packet = av.Packet(data)
                packet.stream, packet.time_base, packet.is_keyframe = stream, template.time_base, is_key
                packet.pts, packet.dts = pts + turn * length, dts + turn * length
                written.mux(packet)
    return path


def peak_of(clip: Path, weights: Path) -> tuple[str, float, int]:
    """(method, seconds of the clip, most memory in bytes) of a process of its own that measures it."""
    argv = [sys.executable, "-c", ONCE, str(clip), str(weights)]
    done = subprocess.run(argv, cwd=REPO, capture_output=True, text=True, check=True)
    method, seconds, peak = done.stdout.split()
    return method, float(seconds), int(peak)


@pytest.mark.timeout(300)
def test_ten_minutes_of_climbing_take_hardly_more_memory_than_one(weights: Path, tmp_path: Path) -> None:
    """The longest clip that is taken, every sample of it looked at, somebody in each."""
    source = write(tmp_path / "six.mp4", pictures(CLIMBER, HZ), replace(ENCODING, fps=HZ))
    lite = model_path(weights, "lite")
    peaks = {}
    for minutes in (1, 10):
        method, seconds, peaks[minutes] = peak_of(looped(source, tmp_path / f"{minutes}.mp4", 10 * minutes), lite)
        assert (method, seconds) == ("pose", pytest.approx(60 * minutes, abs=1))
    assert peaks[10] < 400 * MIB
    assert peaks[10] - peaks[1] < 60 * MIB
