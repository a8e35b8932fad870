"""Files by permission of the kernel (Landlock, Linux 5.13 and later): what is not named here does not exist for us.

Its system calls have the same numbers on every machine, and they only ever take rights away. Of the Python packages
for them none is older than a year or has had more than a few releases; the interface itself is frozen.
"""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

from consumer.sandbox.linux import syscall

SYS_CREATE_RULESET, SYS_ADD_RULE, SYS_RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
RULE_PATH_BENEATH = 1

READ_FILE, READ_DIR = 1 << 2, 1 << 3
# how many kinds of access to files each version of the interface knows, from the lowest bit on
FILE_ACCESSES = {1: 13, 2: 14, 3: 15, 4: 15}
FILE_ACCESSES_NOW = 16
BIND_AND_CONNECT_TCP = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scope", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def allow_reading_only(paths: Iterable[Path]) -> None:
    """From now on this thread, and those it starts, open files below `paths` for reading and no others for anything;
    where the kernel knows how: no TCP, and no signals to processes outside. What is not there is passed over.

    Needs no_new_privs. Raises OSError where the kernel has no Landlock.
    """
    version = syscall(SYS_CREATE_RULESET, None, 0, ASK_VERSION)
    handled = _handled(version)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = syscall(SYS_CREATE_RULESET, ctypes.byref(handled), size, 0)
    try:
        for path in paths:
            _allow_reading(ruleset, path)
        syscall(SYS_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _handled(version: int) -> _Ruleset:
    return _Ruleset(
        files=(1 << FILE_ACCESSES.get(version, FILE_ACCESSES_NOW)) - 1,
        net=BIND_AND_CONNECT_TCP if version >= 4 else 0,
        scope=ABSTRACT_SOCKETS_AND_SIGNALS if version >= 6 else 0,
    )


def _allow_reading(ruleset: int, path: Path) -> None:
    try:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        access = READ_FILE | READ_DIR if path.is_dir() else READ_FILE
        rule = _PathBeneath(access=access, parent=parent)
        syscall(SYS_ADD_RULE, ruleset, RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
