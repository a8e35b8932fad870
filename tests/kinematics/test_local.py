"""The local-file command as a process."""

import json
import subprocess
import sys
from pathlib import Path

import av
import pytest

from tests.figure import Climber, drawn_climber
from tests.kinematics.conftest import REPO

CLIMBER = Climber(seconds=4.0, walk_s=0.6, moves=3)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "consumer", "file", *map(str, arguments)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=55, check=False)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("local") / "climb.mp4"
    drawn_climber(path, CLIMBER)
    return path


def test_json_on_stdout_frames_and_a_drawn_video(clip: Path, weights: Path, tmp_path: Path) -> None:
    video, frames = tmp_path / "drawn.mp4", tmp_path / "frames"
    done = run(clip, "--weights", weights, "--video", video, "--frames", frames)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["quality"]["method"] == "pose"
    assert {f"{frame['id']}.jpg" for frame in told["frames"]} == {path.name for path in frames.iterdir()}
    assert "measure 100 %" in done.stderr
    with av.open(str(clip)) as source, av.open(str(video)) as drawn:
        times = [[float(f.time or 0) for f in one.decode(video=0)] for one in (source, drawn)]
        assert times[1] == pytest.approx(times[0], abs=0.001)
        assert (drawn.streams.video[0].width, drawn.streams.video[0].height) == CLIMBER.size


def test_a_failure_is_one_line_with_its_code(weights: Path, tmp_path: Path) -> None:
    rubbish = tmp_path / "clip.mp4"
    rubbish.write_bytes(b"no video " * 1000)
    done = run(rubbish, "--weights", weights)
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = [line for line in done.stderr.splitlines() if not line.startswith("measure")]
    assert line.startswith("UNSUPPORTED_CONTAINER")


def test_missing_weights_say_what_to_run(clip: Path, tmp_path: Path) -> None:
    done = run(clip, "--weights", tmp_path)
    assert done.returncode == 1
    assert "python -m ops.weights" in done.stderr
