"""The filter over the system calls of `calls`: a program for the kernel's own interpreter (seccomp BPF).

Written out here because the packages for it either have slept for years or need a C library that our hosts may not
have, and because the whole of it is a list: a call is on it, perhaps with a condition, or answers "no such call".
"""

import ctypes
import errno
from collections.abc import Iterator
from typing import TypeAlias

from consumer.sandbox.calls import MACHINES, Machine
from consumer.sandbox.linux import MACHINE, syscall

SET_MODE_FILTER, IS_THERE_ACTION = 1, 2
ALL_THREADS = 1
KILL, REFUSE, ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000
NO_SUCH_CALL = REFUSE | errno.ENOSYS
FORBIDDEN = REFUSE | errno.EPERM

# linux/filter.h: load a word of seccomp_data; compare and jump; test bits and jump; return
LOAD, EQUALS, HAS_BITS, RETURN = 0x20, 0x15, 0x45, 0x06
NUMBER, AUDIT = 0, 4

# open flags: for writing, or making what is not there
WRITING = 0o1 | 0o2 | 0o100 | 0o1000
CLONE_THREAD = 0x0001_0000
PROT_WRITE, PROT_EXEC, MAP_ANONYMOUS = 0x2, 0x4, 0x20
TCGETS, FIOCLEX = 0x5401, 0x5451
F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC = 0, 1, 2, 3, 1030
PR_SET_NAME, PR_SET_VMA = 15, 0x53564D41

Instruction: TypeAlias = tuple[int, int, int, int]
"""code, jump if true, jump if false (both counted from the next one), operand"""


class _Filter(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filters", ctypes.c_void_p))


def is_possible() -> bool:
    """Whether the kernel has filters, and this is a machine whose calls we have a list of."""
    try:
        machine = _machine()
        syscall(machine.seccomp, IS_THERE_ACTION, 0, ctypes.byref(ctypes.c_uint32(REFUSE)))
    except OSError:
        return False
    return True


def allow_calls_of(pid: int) -> None:
    """From now on every thread of this process, which is `pid`, has the calls of the list only.

    Needs no_new_privs. Raises OSError where the kernel has no filters, or knows none of our list's machines.
    """
    machine = _machine()
    steps = program(machine, pid)
    filters = (_Filter * len(steps))(*(_Filter(*step) for step in steps))
    whole = _Program(length=len(steps), filters=ctypes.cast(filters, ctypes.c_void_p))
    syscall(machine.seccomp, SET_MODE_FILTER, ALL_THREADS, ctypes.byref(whole))


def _machine() -> Machine:
    if MACHINE not in MACHINES:
        raise OSError(f"no list of calls for {MACHINE}")
    return MACHINES[MACHINE]


def program(machine: Machine, pid: int) -> list[Instruction]:
    """The filter's instructions. A call made by another machine's numbers kills the process."""
    steps: list[Instruction] = [(LOAD, 0, 0, AUDIT), (EQUALS, 1, 0, machine.audit), (RETURN, 0, 0, KILL)]
    steps.append((LOAD, 0, 0, NUMBER))
    conditions = _conditions(pid)
    for name, number in machine.calls.items():
        body = conditions.get(name, [(RETURN, 0, 0, ALLOW)])
        steps += [(EQUALS, 0, len(body), number), *body]
    return [*steps, (RETURN, 0, 0, NO_SUCH_CALL)]


def _conditions(pid: int) -> dict[str, list[Instruction]]:
    """What is asked of a call's arguments; each ends in a return."""
    return {
        "open": [*_no_bits(1, WRITING)],
        "openat": [*_no_bits(2, WRITING)],
        # a thread and no process; newer C libraries ask for clone3 first, whose flags a filter cannot see
        "clone": [(LOAD, 0, 0, _low(0)), (HAS_BITS, 0, 1, CLONE_THREAD), *_ends(ALLOW, FORBIDDEN)],
        # code comes from files, and is never written here
        "mmap": [
            (LOAD, 0, 0, _low(2)),
            (HAS_BITS, 1, 0, PROT_EXEC),
            (RETURN, 0, 0, ALLOW),
            (HAS_BITS, 2, 0, PROT_WRITE),
            (LOAD, 0, 0, _low(3)),
            (HAS_BITS, 0, 1, MAP_ANONYMOUS),
            *_ends(FORBIDDEN, ALLOW),
        ],
        "mprotect": [*_no_bits(2, PROT_EXEC)],
        # F_SETOWN and F_SETSIG send any signal to anybody of this user, SIGKILL too
        "fcntl": [*_one_of(1, F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC)],
        "ioctl": [*_one_of(1, TCGETS, FIOCLEX)],
        "prctl": [*_one_of(0, PR_SET_NAME, PR_SET_VMA)],
        # read a limit of one's own
        "prlimit64": [
            *(step for word in (_low(0), _low(2), _high(2)) for step in _zero_or_forbidden(word)),
            (RETURN, 0, 0, ALLOW),
        ],
        "kill": [*_one_of(0, pid)],
        "tgkill": [*_one_of(0, pid)],
    }


def _low(argument: int) -> int:
    """Where the lower half of an argument lies in seccomp_data, on little-endian machines."""
    return 16 + 8 * argument


def _high(argument: int) -> int:
    return _low(argument) + 4


def _ends(*results: int) -> Iterator[Instruction]:
    return ((RETURN, 0, 0, result) for result in results)


def _no_bits(argument: int, bits: int) -> Iterator[Instruction]:
    yield from [(LOAD, 0, 0, _low(argument)), (HAS_BITS, 0, 1, bits), *_ends(FORBIDDEN, ALLOW)]


def _one_of(argument: int, *values: int) -> Iterator[Instruction]:
    yield LOAD, 0, 0, _low(argument)
    for value in values:
        yield from [(EQUALS, 0, 1, value), *_ends(ALLOW)]
    yield from _ends(FORBIDDEN)


def _zero_or_forbidden(word: int) -> Iterator[Instruction]:
    yield from [(LOAD, 0, 0, word), (EQUALS, 1, 0, 0), *_ends(FORBIDDEN)]
