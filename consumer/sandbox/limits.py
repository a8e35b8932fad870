"""What the child may use of the machine. It puts these on itself before it loads a decoder."""

import os
import resource
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from consumer.sandbox import linux

MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes of address space, and open files. What it may write is not a number: see walls."""

    memory_bytes: int = 1536 * MIB
    open_files: int = 64


LIMITS = Limits()


def confine(limits: Limits = LIMITS) -> None:
    """Sets the limits for good: soft and hard alike, so that no code in this process can lift them."""
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))
    with suppress(OSError):
        # when the machine, or the container, runs out of memory, it is this process that goes and not the worker
        Path("/proc/self/oom_score_adj").write_text("1000")


def allow_cpu(pid: int, seconds: int) -> None:
    """Lets a child use so many seconds of CPU, all that it has used included; SIGXCPU ends it then. Asked from
    outside, so that the child needs no call that changes limits."""
    if linux.IS_LINUX:
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_CPU)
            soft = seconds if hard == resource.RLIM_INFINITY else min(seconds, hard)
            resource.prlimit(pid, resource.RLIMIT_CPU, (soft, hard))


def die_with(parent: int) -> None:
    """Ends this process when its parent goes, however it goes (SIGKILL gives the parent no time to tell us)."""
    if linux.IS_LINUX:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the parent is gone")
