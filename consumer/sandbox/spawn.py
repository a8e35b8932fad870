"""The child as a process: started with nothing of ours but the code, killed with all it may have started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from pathlib import Path

import structlog

import consumer
from consumer.sandbox.chatter import log_tail, read_tail
from consumer.sandbox.limits import allow_cpu
from consumer.sandbox.protocol import MAX_LINE_BYTES

# -P: the working directory is no place to import from
COMMAND = (sys.executable, "-P", "-m", "consumer.sandbox.child")
# whole and explicit: no key and no address of ours is there to be read
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "PYTHONPATH": str(Path(consumer.__file__).parents[1]),
    # each thread reserves address space, and the decoder has threads of its own
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
}
# A killed process's pipes end at once, on a crowded machine within seconds; unless what left its group holds them.
END_S = 10
# what loading the decoders may take of the CPU, on a very slow machine
START_CPU_S = 60


class Child:
    """One running child; `broken` once it was killed or found dead."""

    def __init__(self, process: Process, requests: StreamWriter, replies: StreamReader, chatter: StreamReader) -> None:
        self._process = process
        self._requests = requests
        self._replies = replies
        self._tail = asyncio.create_task(read_tail(chatter, self.kill), name="sandbox-stderr")
        self._cpu_s = START_CPU_S
        self.broken = False

    @classmethod
    async def start(cls, command: Sequence[str] | None = None) -> Child:
        """Its own session and process group, working directory /, no file descriptor but the three pipes."""
        process = await asyncio.create_subprocess_exec(
            *((*COMMAND, str(os.getpid())) if command is None else command),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=ENVIRONMENT,
            cwd="/",
            start_new_session=True,
            limit=MAX_LINE_BYTES,
        )
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("asyncio gave no pipes though it was asked for them")
        return cls(process, process.stdin, process.stdout, process.stderr)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """As far as it was heard of: a child that died this moment still counts as alive."""
        return not self.broken and self._process.returncode is None and not self._replies.at_eof()

    def allow(self, cpu_s: int) -> None:
        """More CPU time, in seconds, than it was allowed so far."""
        self._cpu_s += cpu_s
        if self._process.returncode is None:
            allow_cpu(self.pid, self._cpu_s)

    async def write(self, line: bytes) -> None:
        """Raises ConnectionError (a child that is gone)."""
        self._requests.write(line + b"\n")
        await self._requests.drain()

    async def read(self) -> bytes:
        """One line; empty at the end. Raises ValueError for a line over MAX_LINE_BYTES."""
        return await self._replies.readline()

    async def read_exactly(self, size: int) -> bytes:
        """Raises asyncio.IncompleteReadError at the end."""
        return await self._replies.readexactly(size)

    def kill(self) -> None:
        """Ends the whole process group now. The child answers nothing from here on."""
        if self.broken:
            # once only: the number may be another group's by now
            return
        self.broken = True
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    async def end(self) -> int | None:
        """Kills and reaps. The exit status, negative for a signal; None if it would not go within END_S."""
        self.kill()
        try:
            async with asyncio.timeout(END_S):
                # output that nobody read would keep its pipe open, and asyncio waits for the pipes
                while await self._replies.read(MAX_LINE_BYTES):
                    pass
                return await self._process.wait()
        except TimeoutError:
            structlog.get_logger(__name__).error("sandbox.not_reaped", pid=self.pid)
            return None

    async def close(self) -> None:
        """`end`, and what the child said on stderr goes to the log."""
        try:
            status = await self.end()
            if status is not None:
                log_tail(await self._tail, status=status)
        finally:
            self._tail.cancel()
            self._requests.close()
