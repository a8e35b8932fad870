"""The child's loop: a request in, its replies out. Here, and only here, any exception becomes a reply."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import BinaryIO

import cv2

from consumer.media.frames import extract
from consumer.media.probe import probe
from consumer.sandbox.limits import allow_cpu
from consumer.sandbox.protocol import (
    MAX_LINE_BYTES,
    REQUEST,
    AnyReply,
    AnyRequest,
    AnyResult,
    ExtractRequest,
    ExtractResult,
    MeasureRequest,
    MeasureResult,
    ProbeRequest,
    ProbeResult,
    Progress,
    Refusal,
)
from core.error_codes import ErrorCode
from core.failure import Failure
from core.result import Measurement

PROGRESS_INTERVAL_S = 0.1
OPENCV_THREADS = 2
DETAIL_CHARACTERS = 500

Send = Callable[[AnyReply], None]


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answers requests until their end. A line that is no request ends the process: nobody else writes to it."""
    # its own default is a thread for each core of the machine, and each thread takes address space
    cv2.setNumThreads(OPENCV_THREADS)

    def send(reply: AnyReply) -> None:
        replies.write(reply.model_dump_json().encode() + b"\n")
        replies.flush()

    while line := requests.readline(MAX_LINE_BYTES):
        send(_answer(REQUEST.validate_json(line), send))


def _answer(request: AnyRequest, send: Send) -> AnyResult | Refusal:
    allow_cpu(request.cpu_s)
    try:
        return _handle(request, _throttled(request, send))
    except Failure as failure:
        return Refusal(code=failure.code, detail=failure.detail[:DETAIL_CHARACTERS])
    except MemoryError:
        return Refusal(code=ErrorCode.DECODER_CRASHED, detail="out of the memory that a clip may use")
    except Exception as error:  # noqa: BLE001 - the process boundary: what is not answered here hangs the parent
        traceback.print_exc()
        return Refusal(code=ErrorCode.INTERNAL, detail=type(error).__name__)


def _handle(request: AnyRequest, progress: Callable[[float], None]) -> AnyResult:
    match request:
        case ProbeRequest():
            return ProbeResult(probe=probe(request.path))
        case ExtractRequest():
            frames = extract(
                request.path, request.probe, request.moments, out=request.out, progress=progress, jpeg=request.jpeg
            )
            return ExtractResult(frames=frames)
        case MeasureRequest():
            return MeasureResult(measurement=_measure(request, progress))


def _measure(request: MeasureRequest, progress: Callable[[float], None]) -> Measurement:
    # imported here: its model runtime would make every probe wait
    from consumer.kinematics.analyze import measure  # noqa: PLC0415

    return measure(
        request.path,
        request.probe,
        request.sport,
        out=request.out,
        weights=request.weights,
        progress=progress,
    )


def _throttled(request: AnyRequest, send: Send) -> Callable[[float], None]:
    """Reports a share at most every PROGRESS_INTERVAL_S, never outside 0..1."""
    next_at = 0.0

    def report(share: float) -> None:
        nonlocal next_at
        now = time.monotonic()
        if now >= next_at:
            next_at = now + PROGRESS_INTERVAL_S
            send(Progress(stage=request.kind, share=min(1.0, max(0.0, share))))

    return report
