"""A clip for the sandbox, an eye on what it leaves behind, and programs that stand in for the child."""

import os
import select
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.clips import barcodes, write_clip

LIMIT_S = 30

READY = '{"reply": "ready"}'
ADMITTED = '{"reply": "admitted", "network": true, "files": true, "calls": true}'


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
    """A child that runs this instead of ours once it is asked: what a taken-over decoder might do, with no walls."""
    entry = (
        "import sys\n"
        f"print('{READY}', flush=True)\n"
        "sys.stdin.readline()\n"
        f"print('{ADMITTED}', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    return (sys.executable, "-c", entry + source)


def our_pid() -> str:
    """The argument of the real child: whose death is its own."""
    return str(os.getpid())


EXPLOIT = "exec(request.path.read_text())"


def taken_over(source: str = EXPLOIT, *, before: str = "") -> tuple[str, ...]:
    """Our own child behind its own walls, which runs this instead of reading the clip: what an exploit could do.

    By default the clip is the exploit. `request` is the question, `outbox` the way to the parent; what it prints is the
    lines of `sandbox.stderr`. `before` runs first, while it is still ours.
    """
    entry = (
        "import os, sys\n"
        f"{before}\n"
        "from consumer.sandbox import child, serve\n"
        "from consumer.sandbox.protocol import *\n"
        "def attack(request, outbox):\n"
        + "".join(f"    {line}\n" for line in source.splitlines())
        + "    return Refusal(code='NO_VALID_FRAMES', detail='done')\n"
        "serve._handle = attack\n"
        "child.main(int(sys.argv[1]))\n"
    )
    return (sys.executable, "-u", "-P", "-c", entry, our_pid())
