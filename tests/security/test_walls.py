"""A child that a stranger's file has taken over, behind its walls: what it tries, and that nothing of it works.

The programs run in the real child, in the place of the decoder. See docs/security.md, "An attacker's afternoon".
"""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.sandbox.pool import open_sandbox
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.sandbox.conftest import LIMIT_S, nothing_left, taken_over

pytestmark = pytest.mark.usefixtures(nothing_left.__name__)

PRELUDE = """
import ctypes, errno, fcntl, mmap, resource, socket, threading
PARENT, ME = os.getppid(), os.getpid()
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "")
def written_code(kind, protection):
    page = mmap.mmap(-1, 4096, prot=kind)
    at = ctypes.addressof(ctypes.c_char.from_buffer(page))
    if libc.mprotect(ctypes.c_void_p(at), 4096, protection): raise OSError(ctypes.get_errno(), "")
def works(name, code):
    try: exec(code)
    except (OSError, ValueError): pass
    else: print(name)
"""

READS = {
    "the worker's environment": "open(f'/proc/{PARENT}/environ', 'rb').read()",
    "the worker's memory": "open(f'/proc/{PARENT}/mem', 'rb')",
    "the worker's memory map": "open(f'/proc/{PARENT}/maps', 'rb').read()",
    "the worker's open files": "os.listdir(f'/proc/{PARENT}/fd')",
    "who else runs": "os.listdir('/proc')",
    "the users of the machine": "open('/etc/passwd').read()",
    "the home": "os.listdir(os.path.expanduser('~'))",
    "the checkout with its .env": "os.listdir(HOUSE)",
    "the clips of other jobs": "open(OTHER).read()",
    "a directory with other jobs": "os.listdir(os.path.dirname(OTHER))",
    "the working directory of the worker": "os.listdir(f'/proc/{PARENT}/cwd')",
}

WRITES = {
    "into its clip": "open(request.path, 'r+b')",
    "over its clip": "open(request.path, 'wb')",
    "beside its clip": "open(f'{request.path}.x', 'w')",
    "into the temporary folder": "open('/tmp/performate-was-here', 'w')",
    "shared memory": "open('/dev/shm/performate-was-here', 'w')",
    "into our code": "open(child.__file__, 'r+b')",
    "a new module": "open(os.path.dirname(child.__file__) + '/evil.py', 'w')",
    "its own memory": "open('/proc/self/mem', 'r+b')",
    "a link to a file": "os.symlink('/etc/passwd', f'{request.path}.jpg')",
    "a hard link": "os.link(request.path, f'{request.path}.jpg')",
    "a folder": "os.mkdir(f'{request.path}.d')",
    "a pipe with a name": "os.mkfifo(f'{request.path}.p')",
    "no clip any more": "os.unlink(request.path)",
    "another name": "os.rename(request.path, f'{request.path}.x')",
    "an empty clip": "os.truncate(request.path, 0)",
    "other rights": "os.chmod(request.path, 0o777)",
    "a file in memory": "os.memfd_create('x')",
    "a higher limit of file size": "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))",
}

REACHES = {
    "kill the worker": "os.kill(PARENT, 0)",
    "kill everybody": "os.kill(-1, 0)",
    "kill a thread of the worker": "libc.tgkill(PARENT, PARENT, 0) and call(-1)",
    "own a pipe for the worker, with SIGKILL as its signal": "fcntl.fcntl(0, fcntl.F_SETOWN, PARENT)",
    "another signal than SIGIO": "fcntl.fcntl(0, 10, 9)",
    "signals from a pipe": "fcntl.fcntl(0, fcntl.F_SETFL, os.O_ASYNC)",
    "a handle on the worker": "os.pidfd_open(PARENT)",
    "outlive the worker": "libc.prctl(1, 0) and call(-1)",
    "be readable by its siblings": "libc.prctl(4, 1) and call(-1)",
    "trace the worker": "libc.ptrace(16, PARENT, 0, 0) and call(-1)",
    "read the worker's memory by a call": "libc.process_vm_readv(PARENT, 0, 0, 0, 0, 0) and call(-1)",
    "TCP": "socket.socket()",
    "UDP": "socket.socket(type=socket.SOCK_DGRAM)",
    "a local socket": "socket.socket(socket.AF_UNIX)",
    "a pair of sockets": "socket.socketpair()",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "sockets by io_uring": "call(425, 1, 0)",
    "a pipe": "os.pipe()",
}

BECOMES = {
    "two": "os.fork() or os._exit(0)",
    "two by vfork": "libc.vfork() == -1 and call(-1)",
    "a shell": "os.execv('/bin/sh', ['sh', '-c', 'exit'])",
    "a shell without exec": "os.posix_spawn('/bin/sh', ['sh', '-c', 'exit'], {})",
    "root": "os.setuid(0)",
    "a session of its own again": "os.setsid()",
    "a member of another group": "os.setpgid(0, 0)",
    "root of new namespaces": "libc.unshare(0x10000000) and call(-1)",
    "a user of BPF": "call(321, 0, 0, 0)",
    "a user of keys": "call(250, 0, 0)",
    "a user of userfaultfd": "call(323, 0)",
    "a watcher of performance": "call(298, 0, 0, -1, -1, 0)",
    "a caller by other numbers": "call(0x40000000 + 41, 2, 1, 0)",
    "code that it wrote": "written_code(mmap.PROT_READ | mmap.PROT_WRITE, 5)",
    "code in fresh memory": "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
}

MAY = {
    "read its clip": "open(request.path).read()",
    "read the code": "open(child.__file__).read()",
    "start a thread": "threading.Thread(target=int).start()",
    "signal itself": "os.kill(ME, 0)",
    "take memory": "mmap.mmap(-1, 1 << 20)",
}


async def what_works(attempts: dict[str, str], folder: Path) -> list[str]:
    """Names of attempts that did not end in an error, by the word of a child that made them."""
    (folder / "mine").mkdir()
    (folder / "others").mkdir()
    clip, other = folder / "mine" / "clip.mp4", folder / "others" / "clip.mp4"
    other.write_text("of another job")
    house = Path(__file__).parents[2]
    tries = "\n".join(f"works({name!r}, {code!r})" for name, code in attempts.items())
    clip.write_text(PRELUDE + f"OTHER, HOUSE = {str(other)!r}, {str(house)!r}\n" + tries)
    with capture_logs() as logs:
        # the names that it uses are those of a module, as the attempts run each on its own
        async with open_sandbox(command=taken_over("exec(request.path.read_text(), globals() | locals())")) as box:
            with pytest.raises(Failure) as caught:
                await box.probe(clip, limit_s=LIMIT_S)
    assert (caught.value.code, caught.value.detail) == (ErrorCode.NO_VALID_FRAMES, "done")
    assert clip.read_text().startswith(PRELUDE)
    assert sorted(path.name for path in folder.rglob("*")) == ["clip.mp4", "clip.mp4", "mine", "others"]
    return [line for entry in logs for line in entry["lines"]]


async def test_the_attempts_are_really_made(tmp_path: Path) -> None:
    assert await what_works(MAY, tmp_path) == list(MAY)


@pytest.mark.parametrize("attempts", [READS, WRITES, REACHES, BECOMES], ids=["reads", "writes", "reaches", "becomes"])
async def test_nothing_else_works(attempts: dict[str, str], tmp_path: Path) -> None:
    assert await what_works(attempts, tmp_path) == []


@pytest.mark.skipif(os.getuid() == 0, reason="the kernel does not count the threads of root")
async def test_threads_are_counted(tmp_path: Path) -> None:
    start = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    # Python's own word for it is a RuntimeError
    hundred = f"try:\n  for _ in range(100): {start}\nexcept RuntimeError as error: raise OSError from error"
    assert await what_works({"a hundred threads": hundred}, tmp_path) == []
