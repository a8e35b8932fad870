"""The child's loop: a request in, its replies out. Here, and only here, any exception becomes a reply."""

from __future__ import annotations

import errno
import time
import traceback
from collections.abc import Callable
from typing import BinaryIO

import cv2

from consumer.kinematics.analyze import measure
from consumer.media.close_ups import close_ups
from consumer.media.frames import extract
from consumer.media.probe import probe
from consumer.sandbox.outbox import Outbox, Send
from consumer.sandbox.protocol import (
    MAX_LINE_BYTES,
    REQUEST,
    AdmitRequest,
    Admitted,
    AnyResult,
    CloseUpsRequest,
    CloseUpsResult,
    ExtractRequest,
    ExtractResult,
    MeasureRequest,
    MeasureResult,
    ProbeRequest,
    ProbeResult,
    Progress,
    Question,
    Ready,
    Refusal,
)
from consumer.sandbox.walls import close_in
from core.error_codes import ErrorCode
from core.failure import Failure

PROGRESS_INTERVAL_S = 0.1
OPENCV_THREADS = 2
DETAIL_CHARACTERS = 500
# what our own code asks for is allowed: somebody else has asked
REFUSED_BY_A_WALL = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})


def serve(requests: BinaryIO, outbox: Outbox) -> None:
    """Says that it is ready, takes one admission, then answers requests until their end. A line that is no request, or
    none that may come now, ends the process: nobody else writes to it."""
    # its own default is a thread for each core of the machine, and each thread takes address space
    cv2.setNumThreads(OPENCV_THREADS)
    outbox.send(Ready())
    admitted = False
    while line := requests.readline(MAX_LINE_BYTES):
        request = REQUEST.validate_json(line)
        if isinstance(request, AdmitRequest) is admitted:
            raise RuntimeError(f"{request.kind} while admitted is {admitted}")
        if isinstance(request, AdmitRequest):
            walls = close_in(request.reads)
            outbox.send(Admitted(network=walls.network, files=walls.files, calls=walls.calls))
            admitted = True
        else:
            outbox.send(_answer(request, outbox))


def _answer(request: Question, outbox: Outbox) -> AnyResult | Refusal:
    try:
        return _handle(request, outbox)
    except Failure as failure:
        return Refusal(code=failure.code, detail=failure.detail[:DETAIL_CHARACTERS])
    except MemoryError:
        return Refusal(code=ErrorCode.DECODER_CRASHED, detail="out of the memory that a clip may use")
    except Exception as error:  # noqa: BLE001 - the process boundary: what is not answered here hangs the parent
        traceback.print_exc()
        name = type(error).__name__
        if isinstance(error, OSError) and error.errno in REFUSED_BY_A_WALL:
            return Refusal(code=ErrorCode.DECODER_CRASHED, detail=f"met a wall: {name}")
        return Refusal(code=ErrorCode.INTERNAL, detail=name)


def _handle(request: Question, outbox: Outbox) -> AnyResult:
    progress = _throttled(request, outbox.send)
    match request:
        case ProbeRequest():
            return ProbeResult(probe=probe(request.path))
        case ExtractRequest():
            frames = extract(
                request.path, request.probe, request.moments, out=outbox, progress=progress, jpeg=request.jpeg
            )
            return ExtractResult(frames=frames)
        case MeasureRequest():
            measured = measure(
                request.path,
                request.probe,
                request.sport,
                out=outbox,
                weights=request.weights,
                progress=progress,
            )
            return MeasureResult(measurement=measured)
        case CloseUpsRequest():
            frames = close_ups(
                request.path, request.probe, request.shots, out=outbox, progress=progress, jpeg=request.jpeg
            )
            return CloseUpsResult(frames=frames)


def _throttled(request: Question, send: Send) -> Callable[[float], None]:
    """Reports a share at most every PROGRESS_INTERVAL_S, but the end always; never outside 0..1."""
    next_at = 0.0

    def report(share: float) -> None:
        nonlocal next_at
        now = time.monotonic()
        if now >= next_at or share >= 1.0:
            next_at = now + PROGRESS_INTERVAL_S
            send(Progress(stage=request.kind, share=min(1.0, max(0.0, share))))

    return report
