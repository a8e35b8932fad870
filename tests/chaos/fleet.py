"""The processes of a run, kept up as a platform would: whoever ends without being asked is started again at once."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.emulator import ROOT

PR_SET_CHILD_SUBREAPER = 36
LONGEST_END_S = 60
CRASH_LOOP_S = 1.0
"""Whoever lived shorter than this is started again only so long after its start."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """One process from its start to its end. `asked_s`: seconds from SIGTERM to its end, None where nobody asked."""

    process: str
    number: int
    pid: int
    code: int
    asked_s: float | None = None

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL


@dataclass(kw_only=True)
class Member:
    """One process of the fleet over all its lives."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    lives: list[Life] = field(default_factory=list)
    process: asyncio.subprocess.Process | None = None
    asked_at: float | None = None
    over: bool = False

    async def keep_up(self) -> None:
        """Starts it, again and again, until `over`."""
        while not self.over:
            began = time.monotonic()
            self.process = await self._started()
            code = await self.process.wait()
            ended = time.monotonic()
            self.lives.append(self._life(self.process.pid, code, ended))
            self.asked_at = None
            await asyncio.sleep(max(0.0, began + CRASH_LOOP_S - ended))

    def strike(self, sign: signal.Signals) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        if sign is signal.SIGTERM and self.asked_at is None:
            self.asked_at = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(sign)

    def _life(self, pid: int, code: int, ended: float) -> Life:
        asked_s = None if self.asked_at is None else round(ended - self.asked_at, 2)
        return Life(process=self.name, number=len(self.lives), pid=pid, code=code, asked_s=asked_s)

    async def _started(self) -> asyncio.subprocess.Process:
        name = f"{self.name}-{len(self.lives)}"
        with (self.folder / f"{name}.log").open("wb") as out, (self.folder / f"{name}.err").open("wb") as errors:
            return await asyncio.create_subprocess_exec(
                sys.executable, *self.argv, cwd=ROOT, env=dict(self.env), stdout=out, stderr=errors
            )


@dataclass(frozen=True, kw_only=True)
class Fleet:
    members: Mapping[str, Member]

    @property
    def lives(self) -> Sequence[Life]:
        return [life for member in self.members.values() for life in member.lives]

    def strike(self, name: str, sign: signal.Signals) -> None:
        self.members[name].strike(sign)


@asynccontextmanager
async def fleet(commands: Mapping[str, Sequence[str]], env: Mapping[str, str], folder: Path) -> AsyncIterator[Fleet]:
    """Every process running; at the end each is asked to stop, and has."""
    folder.mkdir(parents=True)
    members = {
        name: Member(name=name, argv=argv, env={**env, "INSTANCE": name}, folder=folder)
        for name, argv in commands.items()
    }
    keepers = [asyncio.create_task(member.keep_up()) for member in members.values()]
    try:
        yield Fleet(members=members)
    finally:
        for member in members.values():
            member.over = True
            member.strike(signal.SIGTERM)
        _, stuck = await asyncio.wait(keepers, timeout=LONGEST_END_S)
        if stuck:
            for member in members.values():
                member.strike(signal.SIGKILL)
            await asyncio.wait(keepers, timeout=LONGEST_END_S)


def adopt_orphans() -> None:
    """From now on a child of ours that dies leaves its children to us, so that none is overlooked."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def survivors(known: Sequence[int]) -> list[str]:
    """Command lines of the living below us, but for `known` pids; the dead are buried."""
    found = []
    for child in psutil.Process().children(recursive=True):
        if child.pid in known:
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            if child.status() == psutil.STATUS_ZOMBIE:
                if child.ppid() == os.getpid():
                    os.waitpid(child.pid, os.WNOHANG)
                continue
            found.append(" ".join(child.cmdline()))
    return found
