"""A decoding child as the worker uses it: ask, wait no longer than so long, believe little, leave nothing behind."""

from __future__ import annotations

import asyncio
import math
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pydantic import ValidationError

from consumer.media.facts import JPEG, Jpeg, Moment, Probe
from consumer.sandbox.protocol import (
    REPLY,
    AnyReply,
    AnyRequest,
    ExtractRequest,
    ExtractResult,
    MeasureRequest,
    MeasureResult,
    ProbeRequest,
    ProbeResult,
    Progress,
    Refusal,
    are_ours,
)
from consumer.sandbox.spawn import Child
from core.error_codes import ErrorCode
from core.failure import Failure
from core.result import Frame, Measurement, Sport

OnProgress = Callable[[Progress], None]
R = TypeVar("R", ProbeResult, ExtractResult, MeasureResult)

# The decoder's two threads may both be busy for the whole time that the wall clock allows.
CPU_PER_WALL_SECOND = 2


class Sandbox:
    """`async with Sandbox() as box`: one child for the requests of one job, one request at a time.

    Every request takes `limit_s`, seconds of wall clock, and `on_progress`. Each raises the Failure that the child
    found, or DECODER_TIMEOUT (over its time, wall or CPU) or DECODER_CRASHED (the child died, or broke the protocol);
    after these two, and after a cancellation, the child is dead and this sandbox answers DECODER_CRASHED only.
    `command` is the child's program, by default ours.
    """

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command
        self._started: Child | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._started = await Child.start(self._command)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._child.close()

    @property
    def pid(self) -> int:
        """The child's process id, and its group's."""
        return self._child.pid

    @property
    def _child(self) -> Child:
        if self._started is None:
            raise RuntimeError("a sandbox works inside `async with`")
        return self._started

    async def probe(self, path: Path, *, limit_s: float, on_progress: OnProgress | None = None) -> Probe:
        request = ProbeRequest(path=path, cpu_s=_cpu(limit_s))
        return (await self._ask(request, ProbeResult, limit_s, on_progress)).probe

    async def extract(  # noqa: PLR0913 - one request, spelt out; all but its first three have a default or a name
        self,
        path: Path,
        probe: Probe,
        moments: Sequence[Moment],
        *,
        out: Path,
        limit_s: float,
        jpeg: Jpeg = JPEG,
        on_progress: OnProgress | None = None,
    ) -> tuple[Frame, ...]:
        """The JPEG of each frame is `out`/{frame.id}.jpg, a plain file; `out` exists and is this job's own."""
        request = ExtractRequest(
            path=path, cpu_s=_cpu(limit_s), probe=probe, moments=tuple(moments), out=out, jpeg=jpeg
        )
        frames = (await self._ask(request, ExtractResult, limit_s, on_progress)).frames
        return self._checked(frames, out)

    async def measure(  # noqa: PLR0913 - as above
        self,
        path: Path,
        probe: Probe,
        sport: Sport,
        *,
        out: Path,
        weights: Path,
        limit_s: float,
        on_progress: OnProgress | None = None,
    ) -> Measurement:
        """Its frames lie in `out` as those of `extract` do."""
        request = MeasureRequest(path=path, cpu_s=_cpu(limit_s), probe=probe, sport=sport, out=out, weights=weights)
        measurement = (await self._ask(request, MeasureResult, limit_s, on_progress)).measurement
        self._checked(measurement.frames, out)
        return measurement

    def _checked(self, frames: tuple[Frame, ...], out: Path) -> tuple[Frame, ...]:
        if not are_ours(frames, out):
            self._child.kill()
            raise Failure(ErrorCode.DECODER_CRASHED, "a frame that is not where frames are")
        return frames

    async def _ask(self, request: AnyRequest, wanted: type[R], limit_s: float, on_progress: OnProgress | None) -> R:
        async with self._turn:
            answered = False
            try:
                async with asyncio.timeout(limit_s):
                    reply = await self._converse(request, on_progress)
                answered = True
            except TimeoutError as error:
                raise Failure(ErrorCode.DECODER_TIMEOUT, f"{request.kind}: {limit_s:g} s") from error
            finally:
                # also when this task is cancelled: nobody waits for the child any more
                if not answered:
                    self._child.kill()
        if isinstance(reply, Refusal):
            raise Failure(reply.code, reply.detail)
        if not isinstance(reply, wanted):
            self._child.kill()
            raise Failure(ErrorCode.DECODER_CRASHED, "the answer to another question")
        return reply

    async def _converse(self, request: AnyRequest, on_progress: OnProgress | None) -> AnyReply:
        if self._child.broken:
            raise Failure(ErrorCode.DECODER_CRASHED, "the child is gone")
        try:
            await self._child.write(request.model_dump_json().encode())
            while True:
                reply = await self._reply()
                if not isinstance(reply, Progress):
                    return reply
                if on_progress is not None:
                    on_progress(reply)
        except ConnectionError as error:
            raise await self._death() from error

    async def _reply(self) -> AnyReply:
        try:
            line = await self._child.read()
            if not line.endswith(b"\n"):
                raise await self._death()
            return REPLY.validate_json(line)
        except ValidationError as error:
            # without the error's own text: it quotes what the child wrote
            raise Failure(ErrorCode.DECODER_CRASHED, f"{error.error_count()} errors in a reply") from None
        except ValueError as error:
            raise Failure(ErrorCode.DECODER_CRASHED, "a reply that is too long") from error

    async def _death(self) -> Failure:
        """What to say of a child that stopped talking."""
        code = await self._child.end()
        if code == -signal.SIGXCPU:
            return Failure(ErrorCode.DECODER_TIMEOUT, "out of CPU time")
        return Failure(ErrorCode.DECODER_CRASHED, f"ended with {code}")


def _cpu(limit_s: float) -> int:
    return max(1, math.ceil(limit_s * CPU_PER_WALL_SECOND))
