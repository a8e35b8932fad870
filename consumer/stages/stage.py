"""What a stage is, what it works with, and what it hands to the next one."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from consumer.engine.clock import Clock
from consumer.lease import Lease
from consumer.media.facts import Probe
from consumer.recall import Recall
from consumer.scratch import Scratch
from consumer.stages.decoder import Decoder
from consumer.vision.describe import Vision
from core.ports import Leavings, Objects
from core.record import Record
from core.result import Frame, Measurement, ModelBlock
from core.settings import Settings

T = TypeVar("T")
DECODER_MARGIN_S = 2.0
"""The decoder's own limit ends this much before its stage's, so that it is the decoder that is named as too slow."""

OpenDecoder = Callable[[], AbstractAsyncContextManager[Decoder]]
"""A decoding process for one job."""


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What every attempt of this process works with. `vision` is None where no model is configured,
    `recall` where no result is given twice, `leavings` where nobody deletes an analysis."""

    objects: Objects
    clock: Clock
    scratch: Scratch
    open_decoder: OpenDecoder
    settings: Settings
    vision: Vision | None = None
    recall: Recall | None = None
    leavings: Leavings | None = None


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One attempt's place of work. `exits` closes, at its end, whatever a stage opened. `report` takes the fraction
    (0..1) of the present stage that is done, and raises Failure(LEASE_LOST) when there is no point in going on."""

    tools: Tools
    lease: Lease
    exits: AsyncExitStack
    report: Callable[[float], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A frame that is kept, and the JPEG that it lies in."""

    frame: Frame
    path: Path


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is known about one analysis so far; every stage adds to it. `stage_ms` are the stages behind us,
    `claimed_at` is when this attempt began."""

    record: Record
    claimed_at: datetime
    stage_ms: Mapping[str, int] = field(default_factory=dict)
    folder: Path | None = None
    clip: Path | None = None
    sha256: str | None = None
    decoder: Decoder | None = None
    probe: Probe | None = None
    pictures: tuple[Picture, ...] = ()
    measurement: Measurement | None = None
    model: ModelBlock | None = None


@dataclass(frozen=True, kw_only=True)
class Stage:
    """`limit_s`: its deadline, from the settings. `share`: its part of the progress, in proportion to the others'.
    `run` bears being called again for an analysis that it did before, also half."""

    name: str
    limit_s: Callable[[Settings], float]
    share: int
    run: Callable[[Bench, Case], Awaitable[Case]]


def given(value: T | None) -> T:
    """What an earlier stage must have added. Raises RuntimeError when the order of stages is wrong."""
    if value is None:
        raise RuntimeError("an earlier stage did not run")
    return value
