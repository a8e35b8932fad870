"""What is said about a clip and asked of it, as plain records: no decoder is imported to pass them on."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from core.result import FrameReason


class Probe(BaseModel):
    """A clip's facts; width and height in pixels as displayed, after rotation (degrees, clockwise: 0, 90, 180, 270).

    `duration_s` is what is really in the file, `pictures` its count of them; null when only decoding can tell.
    `fps` is the average rate, null when implausible. `truncated`: the file ends before what its header declares.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    container: str
    codec: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    rotation: int
    duration_s: float | None
    fps: float | None
    bytes: int
    pictures: int | None = None
    truncated: bool = False


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time (seconds from the first picture) to show and why. `sharpest`: its sharpest neighbour within 0.15 s."""

    t: float
    why: FrameReason = "even"
    sharpest: bool = False


@dataclass(frozen=True, kw_only=True)
class Jpeg:
    """How a kept picture is written: long side in pixels, JPEG quality 1..100."""

    long_side: int = 1024
    quality: int = 85


JPEG = Jpeg()

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in shares of the displayed picture, origin top left."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A part of the picture at `t` (seconds); what lies in the ellipse within `blur` is made unrecognisable."""

    t: float
    box: Box = (0.0, 0.0, 1.0, 1.0)
    blur: Box | None = None


def even_times(duration: float, n: int = 5) -> tuple[Moment, ...]:
    """The middles of `n` equal parts of the clip."""
    return tuple(Moment(t=duration * (2 * part + 1) / (2 * n)) for part in range(n))
