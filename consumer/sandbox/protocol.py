"""What the worker and its decoding child say to each other: one JSON object a line, each side's lines validated.

The child says `ready` when it has loaded its decoders, and `admitted` when the walls are closed behind it. From then on
a request is answered by any number of `progress` and `picture` lines and then by exactly one `result` or `failure`.
Behind the line of a picture follow its bytes, as many as the line says.

The child reads bytes of strangers and may be taken over by them: the parent believes nothing that a model here does
not allow, and `is_sane` has to hold for all of it. Nothing of what it says is ever run, unpickled or used as a path.
"""

import math
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter, field_validator

from consumer.media.facts import JPEG, Jpeg, Moment, Probe, Shot
from core.error_codes import ErrorCode
from core.result import Block, Frame, Measurement, Sport

MIB = 1024 * 1024
# A ten minute track at 10 Hz is under 1 MiB of JSON.
MAX_LINE_BYTES = 4 * MIB
# Validation notes every error that it meets: a line of a million empty objects took it a minute and 4 GB. Ten minutes
# have 12,000 objects of seven values.
MAX_OBJECTS, MAX_COMMAS = 20_000, 200_000
MAX_PICTURE_BYTES = 8 * MIB
# of one job, and reserved with its clip's space: fifty JPEGs of 1,024 pixels take a sixth of it
MAX_PICTURES, MAX_PICTURES_BYTES = 256, 64 * MIB
FRAME_ID = r"^f\d{2,4}$"

# What a file can be refused for. Any other word (try again, it costs nothing; leave it, another has it) is not the
# child's to say.
REFUSALS = frozenset(
    {
        ErrorCode.FILE_TOO_SMALL,
        ErrorCode.FILE_TOO_LARGE,
        ErrorCode.UNSUPPORTED_CONTAINER,
        ErrorCode.UNSUPPORTED_CODEC,
        ErrorCode.VIDEO_TOO_LONG,
        ErrorCode.VIDEO_TOO_LARGE_PIXELS,
        ErrorCode.FRAME_RATE_TOO_HIGH,
        ErrorCode.INVALID_METADATA,
        ErrorCode.METADATA_EXTRACTION_FAILED,
        ErrorCode.FRAME_EXTRACTION_FAILED,
        ErrorCode.NO_VALID_FRAMES,
        ErrorCode.WEIGHTS_MISSING,
        ErrorCode.DECODER_CRASHED,
        ErrorCode.INTERNAL,
    }
)

MAX_TEXT = 1000
# the largest whole number that every reader of JSON keeps exact, and more than any measure needs
MAX_NUMBER = 2**53
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class AdmitRequest(Block):
    """`reads`: the only folders and files, besides the code, that the child may open; all absolute."""

    kind: Literal["admit"] = "admit"
    reads: tuple[Path, ...]


class ProbeRequest(Block):
    kind: Literal["probe"] = "probe"
    path: Path


class ExtractRequest(Block):
    kind: Literal["extract"] = "extract"
    path: Path
    probe: Probe
    moments: tuple[Moment, ...]
    jpeg: Jpeg = JPEG


class MeasureRequest(Block):
    kind: Literal["measure"] = "measure"
    path: Path
    probe: Probe
    sport: Sport
    weights: Path


class CloseUpsRequest(Block):
    kind: Literal["close_ups"] = "close_ups"
    path: Path
    probe: Probe
    shots: tuple[Shot, ...]
    jpeg: Jpeg


Question = ProbeRequest | ExtractRequest | MeasureRequest | CloseUpsRequest
AnyRequest = AdmitRequest | Question


class Ready(Block):
    reply: Literal["ready"] = "ready"


class Admitted(Block):
    """Which walls are closed; see consumer.sandbox.walls."""

    reply: Literal["admitted"] = "admitted"
    network: bool
    files: bool
    calls: bool


class Progress(Block):
    """`share` 0..1 of the request is done."""

    reply: Literal["progress"] = "progress"
    stage: Literal["probe", "extract", "measure", "close_ups"]
    share: float = Field(ge=0, le=1)


class Picture(Block):
    """`bytes` of JPEG come next."""

    reply: Literal["picture"] = "picture"
    id: str = Field(pattern=FRAME_ID)
    bytes: int = Field(gt=0, le=MAX_PICTURE_BYTES)


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


class CloseUpsResult(Block):
    reply: Literal["result"] = "result"
    kind: Literal["close_ups"] = "close_ups"
    frames: tuple[Frame, ...]


class Refusal(Block):
    """The request ended in a Failure."""

    reply: Literal["failure"] = "failure"
    code: ErrorCode
    detail: str = Field(max_length=500)

    @field_validator("code")
    @classmethod
    def _about_the_file(cls, code: ErrorCode) -> ErrorCode:
        if code not in REFUSALS:
            raise ValueError("not a child's word")
        return code


AnyResult = ProbeResult | ExtractResult | MeasureResult | CloseUpsResult
Final = Ready | Admitted | AnyResult | Refusal
AnyReply = Progress | Picture | Final

REQUEST: TypeAdapter[AnyRequest] = TypeAdapter(Annotated[AnyRequest, Field(discriminator="kind")])
REPLY: TypeAdapter[AnyReply] = TypeAdapter(
    Annotated[
        Ready | Admitted | Progress | Picture | Annotated[AnyResult, Field(discriminator="kind")] | Refusal,
        Field(discriminator="reply"),
    ]
)


def parsed(line: bytes) -> AnyReply:
    """Raises ValueError (a pydantic.ValidationError quotes the line: it is not for a log)."""
    if line.count(b"{") > MAX_OBJECTS or line.count(b",") > MAX_COMMAS:
        raise ValueError("more than any measurement holds")
    reply = REPLY.validate_json(line)
    if not is_sane(reply):
        raise ValueError("a number or a text that nobody can use")
    return reply


def is_sane(value: object) -> bool:
    """Whether all that is in a validated reply can be stored, shown and read by any program: finite numbers of no
    absurd size, short texts without control or direction characters."""
    match value:
        case float() | int():
            return math.isfinite(value) and abs(value) <= MAX_NUMBER
        case str():
            return len(value) <= MAX_TEXT and not CONTROL.search(value)
        case BaseModel():
            return all(is_sane(inner) for _, inner in value)
        case dict():
            return all(is_sane(key) and is_sane(inner) for key, inner in value.items())
        case list() | tuple():
            return all(map(is_sane, value))
    return value is None
