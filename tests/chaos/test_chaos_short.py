"""A short run of the real thing: every crash point, restarts and a faulty AWS, and the books balance.

As a process of its own: it makes itself the parent of all orphans, which must not last longer than the run.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.fates import Fates
from tests.chaos.plan import CRASH_POINTS
from tests.emulator import ROOT, environment

COMMAND = ("-m", "tests.chaos", "--jobs", "40", "--seed", "1", "--real", "0.1", "--quiet", "60", "--json")


@pytest.mark.timeout(330)
def test_forty_jobs_survive_everything_once(tmp_path: Path) -> None:
    argv = [sys.executable, *COMMAND, "--folder", str(tmp_path / "run")]
    ended = subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=320, check=False)
    assert ended.stdout, ended.stderr[-3000:]
    found = json.loads(ended.stdout)
    assert found["breaches"] == []
    assert ended.returncode == 0
    books = found["balance"]
    assert (books["accepted"], books["queued"], books["running"], books["lost"]) == (40, 0, 0, 0)
    assert books["accepted"] == books["completed"] + books["failed"] + books["dead"]
    struck = {fate for _, fate in Fates(folder=tmp_path / "run" / "fates").struck()}
    assert set(CRASH_POINTS) <= struck
