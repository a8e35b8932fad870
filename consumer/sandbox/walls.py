"""What closes behind the child before it opens a stranger's file. Whatever the kernel cannot do is said, not hidden."""

import os
import resource
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import consumer
import core
from consumer.sandbox import linux, seccomp
from consumer.sandbox.landlock import allow_reading_only

CLONE_NEWUSER, CLONE_NEWNET = 0x1000_0000, 0x4000_0000
# threads of FFmpeg, OpenCV and the model runtime, two each, and room
THREADS = 64

# what libraries look at when they first run: code, and how many processors there are
SYSTEM_READS = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/dev/null",
    "/dev/urandom",
)


@dataclass(frozen=True, kw_only=True)
class Walls:
    """`network`: no socket can be made. `files`: nothing but the given paths and the code can be opened. `calls`: the
    kernel answers only the system calls that reading a clip needs."""

    network: bool
    files: bool
    calls: bool


def close_in(reads: Iterable[Path]) -> Walls:
    """For good: this process writes no file, sees `reads` and its own code, talks to nobody but by the pipes it has,
    signals nobody, becomes nobody and starts nothing.

    To be called while it has one thread: Landlock holds for the thread that asks and for those it starts.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if not linux.IS_LINUX:
        return Walls(network=False, files=False, calls=False)
    alone = len(list(Path("/proc/self/task").iterdir())) == 1
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    filters = seccomp.is_possible()
    apart = _done(lambda: _leave_namespaces(network=not filters))
    files = _done(lambda: allow_reading_only([*reads, *code()]))
    _done(linux.drop_capabilities)
    linux.hide_memory()
    filtered = filters and _done(lambda: seccomp.allow_calls_of(os.getpid()))
    return Walls(network=filtered or (apart and not filters), files=files and alone, calls=filtered)


def code() -> Iterator[Path]:
    """Where this program's own code lies. Not the folder above our packages: in a checkout that holds data and keys."""
    for package in (consumer, core):
        yield from map(Path, package.__path__)
    paths = sysconfig.get_paths()
    yield from {Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    yield Path(sys.base_prefix) / "lib"
    yield from map(Path, SYSTEM_READS)


def _leave_namespaces(*, network: bool) -> None:
    """In a namespace of users of its own the limit of processes counts this process's threads alone, and no capability
    reaches outside. Where calls cannot be filtered, a network of its own has no way out either."""
    linux.unshare(CLONE_NEWUSER | (CLONE_NEWNET if network else 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (THREADS, THREADS))


def _done(step: Callable[[], None]) -> bool:
    try:
        step()
    except (OSError, ValueError):
        # setrlimit's own way to say EPERM is a ValueError
        return False
    return True
