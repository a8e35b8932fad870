"""Disk for clips while they are worked on: a bounded number of bytes, a private folder a job, nothing left behind."""

import errno
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from core.error_codes import ErrorCode
from core.failure import Failure

log = structlog.stdlib.get_logger(__name__)
LOCKED = ".lock"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What a disk says when it is full: SCRATCH_FULL."""


class Scratch:
    """One process's part of the scratch folder. `reserved` counts the bytes that its jobs may write now."""

    def __init__(self, home: Path, *, budget: int) -> None:
        self._home = home
        self.budget = budget
        self.reserved = 0

    @property
    def free(self) -> int:
        """The bytes that one more job could get, by the budget and by the disk."""
        return min(self.budget - self.reserved, shutil.disk_usage(self._home).free)

    @contextmanager
    def folder(self, need: int, *, cleaned: str | None = "scratch.cleaned") -> Iterator[Path]:
        """A folder (0700) for a job that writes at most `need` bytes; removed at the end, which is logged once, as
        `cleaned`: one such line for each download is what the on-call counts, so anything else passes None.

        Raises Failure(SCRATCH_FULL) when the budget or the disk has no room for it now, ValueError when it never has.
        """
        if need > self.budget:
            raise ValueError(f"{need} bytes never fit into a scratch budget of {self.budget}")
        if self.reserved + need > self.budget:
            raise Failure(ErrorCode.SCRATCH_FULL, f"{need} bytes wanted, {self.budget - self.reserved} left")
        if shutil.disk_usage(self._home).free < need:
            raise Failure(ErrorCode.SCRATCH_FULL, f"{need} bytes wanted, the disk has not so many")
        self.reserved += need
        try:
            with _removed(Path(tempfile.mkdtemp(prefix="job-", dir=self._home)), cleaned) as folder:
                yield folder
        finally:
            self.reserved -= need


@contextmanager
def _removed(folder: Path, event: str | None) -> Iterator[Path]:
    try:
        yield folder
    finally:
        # Not in a thread: nothing awaited, nothing that a second cancellation could cut off half done. A handful of
        # files take well under a millisecond each.
        shutil.rmtree(folder)
        if event is not None:
            log.info(event)


@contextmanager
def open_scratch(root: Path, *, budget: int) -> Iterator[Scratch]:
    """This process's scratch under `root`, made when missing. What dead processes left there is removed first."""
    root.mkdir(parents=True, exist_ok=True)
    sweep(root)
    name, lock = _locked_name(root)
    home = root / name
    home.mkdir(mode=0o700)
    try:
        yield Scratch(home.absolute(), budget=budget)
    finally:
        shutil.rmtree(home, ignore_errors=True)
        _lock_path(root, name).unlink(missing_ok=True)
        os.close(lock)


def sweep(root: Path) -> int:
    """Removes the folders of processes that are not alive any more; returns how many. A living process holds the lock
    file that is named like its folder, and takes it before it makes the folder."""
    gone = 0
    # by name: a process may have died between its lock file and its folder
    for name in sorted({path.name.removesuffix(LOCKED) for path in root.glob("worker-*")}):
        lock = _lock(_lock_path(root, name))
        if lock is None:
            continue
        home = root / name
        if home.is_dir():
            shutil.rmtree(home, ignore_errors=True)
            log.warning("scratch.swept", folder=name)
            gone += 1
        _lock_path(root, name).unlink(missing_ok=True)
        os.close(lock)
    return gone


def _locked_name(root: Path) -> tuple[str, int]:
    while True:
        name = f"worker-{os.getpid()}-{secrets.token_hex(4)}"
        lock = _lock(_lock_path(root, name))
        if lock is not None:
            return name, lock


def _lock_path(root: Path, name: str) -> Path:
    return root / f"{name}{LOCKED}"


def _lock(path: Path) -> int | None:
    """An open, locked file; None while another process holds it. The kernel lets go of it when its holder dies."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # a sweeper may have taken it, and the name off it, between our opening and our locking
        if os.fstat(descriptor).st_nlink:
            return descriptor
    os.close(descriptor)
    return None
