"""What the stages ask of a decoding process; consumer.sandbox.pool.Pool has the one that is used."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from consumer.media.facts import Jpeg, Moment, Probe, Shot
from consumer.sandbox.protocol import Progress
from core.result import Frame, Measurement, Sport

OnProgress = Callable[[Progress], None]


class Decoder(Protocol):
    """Paths are absolute. Each raises the Failure that was found, or DECODER_TIMEOUT, or DECODER_CRASHED."""

    async def probe(self, path: Path, *, limit_s: float, on_progress: OnProgress | None = None) -> Probe: ...

    async def extract(  # noqa: PLR0913  # as the sandbox spells it
        self,
        path: Path,
        probe: Probe,
        moments: Sequence[Moment],
        *,
        out: Path,
        limit_s: float,
        jpeg: Jpeg = ...,
        on_progress: OnProgress | None = None,
    ) -> tuple[Frame, ...]:
        """The JPEG of each frame is `out`/{frame.id}.jpg."""

    async def measure(  # noqa: PLR0913  # as the sandbox spells it
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

    async def close_ups(  # as the sandbox spells it
        self, path: Path, probe: Probe, shots: Sequence[Shot], *, out: Path, limit_s: float, jpeg: Jpeg
    ) -> tuple[Frame, ...]:
        """One frame a shot, in the order of their times; their files lie in `out` as those of `extract` do."""
