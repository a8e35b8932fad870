"""A process of `make run` that ends is waited for; one that ends at once ends the run. Real processes and signals."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# says its pid, and ends at a signal as a service does
SERVICE = "import os, signal, time; print('pid', os.getpid(), flush=True); time.sleep(600)"
KEEPER = (
    "import sys; from ops.keep import Keeper\n"
    "sys.exit(Keeper('worker', [sys.executable, '-c', sys.argv[1]], start_s=float(sys.argv[2])).run())"
)


def started(program: str, start_s: float) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-c", KEEPER, program, str(start_s)]
    return subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)


@pytest.fixture
def keeper() -> "Iterator[subprocess.Popen[str]]":
    process = started(SERVICE, 0.0)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def pid_told(keeper: "subprocess.Popen[str]") -> int:
    assert keeper.stdout is not None
    word, pid = keeper.stdout.readline().split()
    assert word == "pid"
    return int(pid)


def line_of(keeper: "subprocess.Popen[str]") -> str:
    assert keeper.stdout is not None
    return keeper.stdout.readline()


def test_killed_it_is_missed_and_can_be_started_again(keeper: "subprocess.Popen[str]") -> None:
    first = pid_told(keeper)
    os.kill(first, signal.SIGKILL)
    assert line_of(keeper) == "worker was killed (SIGKILL); the others go on. Start it again: make start P=worker\n"
    keeper.send_signal(signal.SIGUSR1)
    second = pid_told(keeper)
    assert second != first
    # it runs: nothing to start
    keeper.send_signal(signal.SIGUSR1)
    os.killpg(keeper.pid, signal.SIGTERM)
    assert keeper.wait(10) == -signal.SIGTERM or keeper.returncode == 256 - signal.SIGTERM


def test_told_to_stop_while_it_is_missed(keeper: "subprocess.Popen[str]") -> None:
    os.kill(pid_told(keeper), signal.SIGTERM)
    assert "SIGTERM" in line_of(keeper)
    os.killpg(keeper.pid, signal.SIGTERM)
    assert keeper.wait(10) == 0


def test_one_that_ends_at_once_ends_the_run() -> None:
    process = started("raise SystemExit(3)", 60.0)
    process.communicate(timeout=10)
    assert process.returncode == 3
