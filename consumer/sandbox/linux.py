"""The few calls of Linux that Python has no name for. Each raises OSError."""

import ctypes
import os
import platform
import sys

SYS_CAPSET = {"x86_64": 126, "aarch64": 91}
SYS_UNSHARE = {"x86_64": 272, "aarch64": 97}

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38

CAPABILITY_VERSION = 0x20080522

IS_LINUX = sys.platform == "linux"
MACHINE = platform.machine()


def prctl(option: int, value: int) -> None:
    _checked(_libc().prctl(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3))


def syscall(number: int, *arguments: object) -> int:
    """By its number; an argument is a ctypes object or an int."""
    return _checked(_libc().syscall(ctypes.c_long(number), *map(_word, arguments)))


def unshare(flags: int) -> None:
    syscall(_number(SYS_UNSHARE), flags)


def drop_capabilities() -> None:
    """Gives up every right that root has and an ordinary user has not. Without exec, no way leads back."""
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    syscall(_number(SYS_CAPSET), ctypes.byref(header), ctypes.byref(nothing))


def hide_memory() -> None:
    """Shuts this process's memory and environment to others of its user: /proc/PID/environ and mem, ptrace, core
    dumps."""
    if IS_LINUX:
        prctl(PR_SET_DUMPABLE, 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _word(argument: object) -> object:
    # an int would be passed as a C int, and a system call takes whole registers
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def _number(of_machine: dict[str, int]) -> int:
    if MACHINE not in of_machine:
        raise OSError(f"unknown machine: {MACHINE}")
    return of_machine[MACHINE]


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
