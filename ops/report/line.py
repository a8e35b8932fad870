"""One log line, of which only what is counted is read. Nothing here awaits."""

import msgspec

READABLE, FOREIGN, BROKEN = "readable", "foreign", "broken"


class Line(msgspec.Struct, frozen=True, gc=False):
    """The fields of core/log.py and of the events that Tally knows; everything else is skipped unread."""

    event: str
    timestamp: str = ""
    synthetic: bool | None = None
    error_code: str | None = None
    kind: str | None = None
    outcome: str | None = None
    status: int | str | None = None
    bytes: float | None = None
    ms: float | None = None
    stage_ms: dict[str, float] | None = None
    bought: bool | None = None
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Named(msgspec.Struct, frozen=True, gc=False):
    event: str


_lines = msgspec.json.Decoder(Line)
_names = msgspec.json.Decoder(_Named)


def parse(raw: bytes) -> Line | str:
    """A line, or why it is none: FOREIGN is JSON of somebody else, BROKEN is no JSON object with an event."""
    try:
        return _lines.decode(raw)
    except msgspec.ValidationError:
        return _why(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return BROKEN


def _why(raw: bytes) -> str:
    """A library's line may have a field of ours with a value of its own kind."""
    try:
        name = _names.decode(raw).event
    except (msgspec.DecodeError, UnicodeDecodeError):
        return FOREIGN
    return FOREIGN if name == "library.log" else BROKEN
