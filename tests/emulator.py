"""An AWS for tests: the emulator as a real process of the session's own, and the settings of a fresh installation."""

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from core.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
ORIGIN = "https://climbers.example"
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """A running emulator. `data` is its folder, `log` what it wrote to stderr."""

    url: str
    data: Path
    log: Path
    process: subprocess.Popen[bytes]

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """Ends it and returns its exit code."""
        self.process.send_signal(sign)
        return self.process.wait(10)


@contextmanager
def running_emulator(folder: Path, *, port: int = 0) -> Iterator[Emulator]:
    """Starts one in the folder on a free port, and stops exactly that one. Raises AssertionError with what it said."""
    argv = [sys.executable, "-m", "ops.emulator", "--port", str(port), "--data", str(folder / "aws"), "--with-parent"]
    log = folder / "emulator.log"
    with (
        log.open("ab") as errors,
        subprocess.Popen(argv, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        try:
            ready = process.stdout.readline()
            assert ready, f"the emulator ended: {log.read_text()}"
            yield Emulator(url=json.loads(ready)["url"], data=folder / "aws", log=log, process=process)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def environment() -> dict[str, str]:
    """Ours without any real AWS account: the emulator's keys are then "local"."""
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def fresh_settings(url: str, **overrides: str) -> Settings:
    """Settings of an installation with names that nobody else in this session has."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    return load_settings(
        {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "BUCKET": name,
            "INGEST_QUEUE": f"{name}-ingest",
            "ANALYSIS_QUEUE": f"{name}-analysis",
            "TABLE": f"{name}-analyses",
            "CORS_ORIGINS": ORIGIN,
            "POLL_WAIT_S": "2",
            **overrides,
        }
    )
