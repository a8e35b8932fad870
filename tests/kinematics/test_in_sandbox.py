"""The analyzer in its child process: it tells how far it is, ends when nobody waits for it, and stays small."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import psutil
import pytest

from consumer.sandbox.pool import open_sandbox
from consumer.sandbox.protocol import Progress
from core.pose_weights import model_path
from core.result import Sport
from tests.clips import Image
from tests.figure import Climber
from tests.kinematics.conftest import REPO
from tests.kinematics.drawn import ENCODING, pictures, write

CLIMBER = Climber(size=(270, 360), seconds=6.0, walk_s=0.6, moves=4)
MIB = 1024 * 1024


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
path, weights = Path(sys.argv[1]), Path(sys.argv[2])
with tempfile.TemporaryDirectory() as out:
    found = measure(path, probe(path), Sport.BOULDERING, out=Path(out), weights=weights, progress=lambda share: None)
# not ru_maxrss, which a process inherits from the one that started it
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
print(found.quality.method, found.video.duration_s, peak.split()[1])
"""


def ten_minutes() -> Iterator[Image]:
    """A picture a second is a clip of its full length at a tenth of its cost: something moves, then the wall alone."""
    wall = replace(CLIMBER, size=(320, 180)).wall()
    for k in range(600):
        picture = wall.copy()
        if k < 100:
            cv2.rectangle(picture, (20 + k * 2, 40), (40 + k * 2, 90), (40, 60, 200), -1)
        yield picture


@pytest.mark.timeout(150)
def test_ten_minutes_stay_within_the_memory_of_a_worker(weights: Path, tmp_path: Path) -> None:
    long = write(tmp_path / "long.mp4", ten_minutes(), replace(ENCODING, fps=1))
    done = subprocess.run(
        [sys.executable, "-c", ONCE, str(long), str(weights)], cwd=REPO, capture_output=True, text=True, check=True
    )
    method, seconds, peak = done.stdout.split()
    assert method in ("motion_track", "insufficient")
    assert float(seconds) == pytest.approx(600, abs=1)
    assert int(peak) * 1024 < 400 * MIB
