"""What the worker and its decoding child say to each other: one JSON object a line, each side's lines validated.

A request is answered by any number of `progress` lines and then by exactly one `result` or `failure`. The child reads
bytes of strangers and may be taken over by them: the parent believes nothing that a model here does not allow.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from consumer.media.facts import JPEG, Jpeg, Moment, Probe
from core.error_codes import ErrorCode
from core.result import Block, Frame, Measurement, Sport

# A ten minute track at 10 Hz is under 1 MiB of JSON.
MAX_LINE_BYTES = 4 * 1024 * 1024
FRAME_ID = re.compile(r"f\d{2,4}")


class ProbeRequest(Block):
    kind: Literal["probe"] = "probe"
    path: Path
    cpu_s: int = Field(gt=0)


class ExtractRequest(Block):
    kind: Literal["extract"] = "extract"
    path: Path
    cpu_s: int = Field(gt=0)
    probe: Probe
    moments: tuple[Moment, ...]
    out: Path
    jpeg: Jpeg = JPEG


class MeasureRequest(Block):
    kind: Literal["measure"] = "measure"
    path: Path
    cpu_s: int = Field(gt=0)
    probe: Probe
    sport: Sport
    out: Path
    weights: Path


AnyRequest = ProbeRequest | ExtractRequest | MeasureRequest


class Progress(Block):
    """`share` 0..1 of the request is done."""

    reply: Literal["progress"] = "progress"
    stage: Literal["probe", "extract", "measure"]
    share: float = Field(ge=0, le=1)


class ProbeResult(Block):
    reply: Literal["result"] = "result"
    kind: Literal["probe"] = "probe"
    probe: Probe


class ExtractResult(Block):
    reply: Literal["result"] = "result"
    kind: Literal["extract"] = "extract"
    frames: tuple[Frame, ...]


class MeasureResult(Block):
    reply: Literal["result"] = "result"
    kind: Literal["measure"] = "measure"
    measurement: Measurement


class Refusal(Block):
    """The request ended in a Failure."""

    reply: Literal["failure"] = "failure"
    code: ErrorCode
    detail: str = Field(max_length=500)


AnyResult = ProbeResult | ExtractResult | MeasureResult
AnyReply = Progress | AnyResult | Refusal

REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(Annotated[AnyRequest, Field(discriminator="kind")])
REPLY: TypeAdapter[AnyReply] = TypeAdapter(
    Annotated[
        Progress | Annotated[AnyResult, Field(discriminator="kind")] | Refusal,
        Field(discriminator="reply"),
    ]
)


def are_ours(frames: Iterable[Frame], out: Path) -> bool:
    """Whether each frame is a plain file of our naming in `out`: no other path, no link to one."""
    return all(
        FRAME_ID.fullmatch(frame.id) and _is_plain(out / f"{frame.id}.jpg") and frame.url is None for frame in frames
    )


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()
