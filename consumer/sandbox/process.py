"""A decoding child as the worker uses it: ask, wait no longer than so long, believe little, leave nothing behind."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import structlog

from consumer.media.facts import JPEG, Jpeg, Moment, Probe, Shot
from consumer.sandbox.gallery import Allowance, Gallery
from consumer.sandbox.protocol import (
    AdmitRequest,
    Admitted,
    AnyRequest,
    CloseUpsRequest,
    CloseUpsResult,
    ExtractRequest,
    ExtractResult,
    Final,
    MeasureRequest,
    MeasureResult,
    ProbeRequest,
    ProbeResult,
    Question,
    Refusal,
)
from consumer.sandbox.spawn import Child
from consumer.sandbox.talk import OnProgress, Talk
from core.error_codes import ErrorCode
from core.failure import Failure
from core.result import Frame, Measurement, Sport

OnAdmitted = Callable[[Admitted], None]
R = TypeVar("R", Admitted, ProbeResult, ExtractResult, MeasureResult, CloseUpsResult)

# The decoder's two threads may both be busy for the whole time that the wall clock allows.
CPU_PER_WALL_SECOND = 2
# the child reports ten times a second at most
PROGRESS_PER_SECOND, PROGRESS_MARGIN = 20, 100
ADMIT_LIMIT_S = 10.0


class Sandbox:
    """A conversation with one child, for the requests of one job about one clip, one request at a time.

    With the first request the walls close: the child can open its clip and `reads` from then on, and nothing else.
    Every request takes `limit_s`, seconds of wall clock, and `on_progress`. Each raises the Failure that the child
    found, or DECODER_TIMEOUT (over its time, wall or CPU) or DECODER_CRASHED (the child died, or broke the protocol);
    after these two, and after a cancellation, the child is dead and this sandbox answers DECODER_CRASHED only.
    """

    def __init__(self, child: Child, *, reads: Sequence[Path], on_admitted: OnAdmitted) -> None:
        self._child = child
        self._reads = tuple(path.absolute() for path in reads)
        self._on_admitted = on_admitted
        self._is_admitted = False
        self._turn = asyncio.Lock()
        self._allowance = Allowance()

    @property
    def pid(self) -> int:
        """The child's process id, and its group's."""
        return self._child.pid

    async def probe(self, path: Path, *, limit_s: float, on_progress: OnProgress | None = None) -> Probe:
        gallery = Gallery(None, self._allowance)
        return (await self._ask(ProbeRequest(path=path), ProbeResult, limit_s, on_progress, gallery)).probe

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
        """The JPEG of each frame is `out`/{frame.id}.jpg, written by us; `out` exists and has no such files yet."""
        request = ExtractRequest(path=path, probe=probe, moments=tuple(moments), jpeg=jpeg)
        gallery = Gallery(out, self._allowance)
        frames = (await self._ask(request, ExtractResult, limit_s, on_progress, gallery)).frames
        return self._checked(frames, gallery)

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
        """Its frames lie in `out` as those of `extract` do. `weights` is of `reads`, or below one of them."""
        request = MeasureRequest(path=path, probe=probe, sport=sport, weights=weights)
        gallery = Gallery(out, self._allowance)
        measurement = (await self._ask(request, MeasureResult, limit_s, on_progress, gallery)).measurement
        self._checked(measurement.frames, gallery)
        return measurement

    async def close_ups(
        self, path: Path, probe: Probe, shots: Sequence[Shot], *, out: Path, limit_s: float, jpeg: Jpeg
    ) -> tuple[Frame, ...]:
        """One frame a shot, in the order of their times; the JPEGs lie in `out` as those of `extract` do."""
        request = CloseUpsRequest(path=path, probe=probe, shots=tuple(shots), jpeg=jpeg)
        gallery = Gallery(out, self._allowance)
        frames = (await self._ask(request, CloseUpsResult, limit_s, None, gallery)).frames
        return self._checked(frames, gallery)

    def _checked(self, frames: tuple[Frame, ...], gallery: Gallery) -> tuple[Frame, ...]:
        if not gallery.holds(frames):
            raise self._broken("frames that are not the pictures that came")
        return frames

    async def _ask(
        self, request: Question, wanted: type[R], limit_s: float, on_progress: OnProgress | None, gallery: Gallery
    ) -> R:
        async with self._turn:
            await self._admit(request.path, min(limit_s, ADMIT_LIMIT_S))
            self._child.allow(max(1, math.ceil(limit_s * CPU_PER_WALL_SECOND)))
            most = math.ceil(limit_s * PROGRESS_PER_SECOND) + PROGRESS_MARGIN
            talk = Talk(self._child, most_progress=most, on_progress=on_progress, keep=gallery.keep)
            return self._wanted(await self._within(limit_s, talk, request), wanted)

    async def _admit(self, clip: Path, limit_s: float) -> None:
        if self._is_admitted:
            return
        request = AdmitRequest(reads=(clip, *self._reads))
        reply = await self._within(limit_s, Talk(self._child, most_progress=0), request)
        self._on_admitted(self._wanted(reply, Admitted))
        self._is_admitted = True

    async def _within(self, limit_s: float, talk: Talk, request: AnyRequest) -> Final:
        answered = False
        try:
            async with asyncio.timeout(limit_s):
                reply = await talk.ask(request)
            answered = True
        except TimeoutError as error:
            raise Failure(ErrorCode.DECODER_TIMEOUT, f"{request.kind}: {limit_s:g} s") from error
        finally:
            # also when this task is cancelled: nobody waits for the child any more
            if not answered:
                self._child.kill()
        return reply

    def _wanted(self, reply: Final, wanted: type[R]) -> R:
        if isinstance(reply, Refusal):
            raise Failure(reply.code, reply.detail)
        if not isinstance(reply, wanted):
            raise self._broken("the answer to another question")
        return reply

    def _broken(self, detail: str) -> Failure:
        self._child.kill()
        return Failure(ErrorCode.DECODER_CRASHED, detail)


class OpenWalls:
    """Says once, and not for each child, which walls this machine cannot close."""

    def __init__(self) -> None:
        self._said = False

    def __call__(self, admitted: Admitted) -> None:
        if self._said:
            return
        self._said = True
        log = structlog.get_logger(__name__)
        if not admitted.network:
            log.warning("sandbox.network_open")
        if not admitted.files:
            log.warning("sandbox.files_open")
        if not admitted.calls:
            log.warning("sandbox.calls_open")
