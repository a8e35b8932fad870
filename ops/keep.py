"""One process of `make run`: it may end, or be killed, and be started again, while the others go on.

`python -m ops.keep NAME` runs a process of the Procfile; `python -m ops.keep --again NAME` (`make start P=NAME`) starts
it again. One that ends within its first seconds was never right: the whole run ends with it.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from honcho.environ import parse_procfile

ROOT = Path(__file__).resolve().parent.parent
PIDS = Path(".data/run")
START_S = 10.0


class Keeper:
    """Runs the command until told to stop; SIGUSR1 starts it again once it has ended."""

    def __init__(self, name: str, command: Sequence[str], *, start_s: float = START_S) -> None:
        self._name = name
        self._command = command
        self._start_s = start_s
        self._stopping = False

    def run(self) -> int:
        """The exit code: the command's own when it ends too early or is told to end, else 0."""
        for number in (signal.SIGTERM, signal.SIGINT):
            # the whole process group hears it, so the command does as well
            signal.signal(number, self._stop)
        signal.signal(signal.SIGUSR1, self._again)
        while True:
            started = time.monotonic()
            code = subprocess.Popen(self._command).wait()
            if self._stopping or time.monotonic() - started < self._start_s:
                return code
            if not self._until_wanted(_told(code)):
                return 0

    def _until_wanted(self, how: str) -> bool:
        """Says how it ended, and waits. False when told to stop instead."""
        signals = {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1}
        # from before it is said, so that no answer is missed
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            self._say(how)
            if not self._stopping:
                self._stopping = signal.sigwait(signals) != signal.SIGUSR1
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        return not self._stopping

    def _stop(self, *_: Any) -> None:
        self._stopping = True

    def _again(self, *_: Any) -> None:
        """It runs: nothing to do."""

    def _say(self, how: str) -> None:
        sys.stdout.write(f"{self._name} {how}; the others go on. Start it again: make start P={self._name}\n")
        sys.stdout.flush()


def _told(code: int) -> str:
    return f"ended (exit {code})" if code >= 0 else f"was killed ({signal.Signals(-code).name})"


def commands() -> Mapping[str, str]:
    """The Procfile's processes by name."""
    found: Mapping[str, str] = parse_procfile((ROOT / "Procfile").read_text()).processes
    return found


def keep(name: str, command: Sequence[str]) -> int:
    """Runs it under a file that says who keeps it."""
    PIDS.mkdir(parents=True, exist_ok=True)
    file = PIDS / name
    file.write_text(str(os.getpid()))
    try:
        return Keeper(name, command).run()
    finally:
        file.unlink(missing_ok=True)


def start_again(name: str) -> int:
    try:
        os.kill(int((PIDS / name).read_text()), signal.SIGUSR1)
    except (FileNotFoundError, ProcessLookupError):
        sys.stderr.write(f"no `make run` keeps a {name} here\n")
        return 1
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.keep", description=__doc__)
    parser.add_argument("name", choices=list(commands()))
    parser.add_argument("--again", action="store_true", help="start it again, where it has ended")
    options = parser.parse_args(argv)
    os.chdir(ROOT)
    if options.again:
        return start_again(options.name)
    return keep(options.name, shlex.split(commands()[options.name]))


if __name__ == "__main__":
    sys.exit(main())
