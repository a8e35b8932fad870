"""A clip for the sandbox, and an eye on what it leaves behind."""

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.clips import barcodes, write_clip

LIMIT_S = 30


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("sandbox") / "clip.mp4", barcodes(60))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No child, running or zombie, outlives the test that started it."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    assert not left


def ends(pid: int) -> bool:
    """Whether the process is dead within a second. It is left to whoever has to reap it."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    dead, _, _ = select.select([process], [], [], 1)
    os.close(process)
    return bool(dead)


def program(source: str) -> tuple[str, ...]:
    """A child that runs this instead of ours once it is asked: what a taken-over decoder might do."""
    return (sys.executable, "-c", f"import sys; sys.stdin.readline()\n{source}")
