"""What the child may use of the machine. It puts these on itself before it loads a decoder."""

import ctypes
import os
import resource
import signal
import sys
from dataclasses import dataclass

MIB = 1024 * 1024
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes of address space and of a written file, and open files."""

    memory_bytes: int = 1536 * MIB
    file_bytes: int = 64 * MIB
    open_files: int = 64


LIMITS = Limits()


def confine(limits: Limits = LIMITS) -> None:
    """Sets the limits for good: soft and hard alike, so that no code in this process can lift them."""
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


def allow_cpu(seconds: int) -> None:
    """Lets this process use so many seconds more; SIGXCPU ends it then. A process serves many requests: the hard
    limit stays open."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    allowed = int(used.ru_utime + used.ru_stime) + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


def die_with(parent: int) -> None:
    """Ends this process when its parent goes, however it goes (SIGKILL gives the parent no time to tell us)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise SystemExit("the parent is gone")
