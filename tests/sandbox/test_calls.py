"""The list of system calls, and what the kernel is given of it."""

import re
from pathlib import Path

import pytest

from consumer.sandbox.calls import MACHINES
from consumer.sandbox.seccomp import EQUALS, HAS_BITS, NO_SUCH_CALL, RETURN, program

HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
# what makes a process, a socket, a file, or a signal for somebody else; clone, kill and tgkill have conditions
NEVER = {
    *("fork", "vfork", "clone3", "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev"),
    *("socket", "socketpair", "connect", "bind", "listen", "sendto", "sendmsg", "io_uring_setup"),
    *("creat", "openat2", "mkdir", "mkdirat", "unlink", "unlinkat", "rename", "renameat2", "link", "symlink", "mknod"),
    *("tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open", "pidfd_send_signal", "setpgid", "setsid"),
    *("setrlimit", "setuid", "setns", "unshare", "mount", "chroot", "bpf", "perf_event_open", "keyctl", "seccomp"),
    *("memfd_create", "shmget", "msgget", "mq_open", "pipe", "pipe2", "userfaultfd", "pkey_mprotect", "modify_ldt"),
}


def numbers(header: Path) -> dict[str, int]:
    found = re.findall(r"#define\s+__NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())
    return {name: int(number) for name, number in found}


@pytest.mark.parametrize("name", MACHINES)
def test_no_way_out_is_on_the_list(name: str) -> None:
    assert not MACHINES[name].calls.keys() & NEVER


@pytest.mark.parametrize("name", MACHINES)
def test_the_numbers_are_the_kernels(name: str) -> None:
    if not HEADERS[name].is_file():
        pytest.skip("the kernel's headers are not on this machine")
    known = numbers(HEADERS[name]) | ({"newfstatat": 79} if name == "aarch64" else {})
    assert MACHINES[name].calls == {call: known[call] for call in MACHINES[name].calls}


@pytest.mark.parametrize("name", MACHINES)
def test_every_path_through_the_filter_ends_in_it(name: str) -> None:
    steps = program(MACHINES[name], pid=42)
    assert len(steps) < 4096
    assert steps[-1] == (RETURN, 0, 0, NO_SUCH_CALL)
    for at, (code, yes, no, _) in enumerate(steps):
        if code in (EQUALS, HAS_BITS):
            assert max(at + 1 + yes, at + 1 + no) < len(steps)
            assert max(yes, no) < 256
