"""W3C trace context: one trace id from the HTTP request to the result."""

import re
import secrets
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True, kw_only=True)
class Trace:
    """trace_id: 32 hex digits; span_id: 16 hex digits; flags: 2 hex digits."""

    trace_id: str
    span_id: str
    flags: str = "01"

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"

    def child(self) -> "Trace":
        return Trace(trace_id=self.trace_id, span_id=secrets.token_hex(8), flags=self.flags)


def new_trace() -> Trace:
    return Trace(trace_id=secrets.token_hex(16), span_id=secrets.token_hex(8))


def parsed(traceparent: str | None) -> Trace | None:
    """The span that this header names; None for a missing or malformed one."""
    match = _TRACEPARENT.match(traceparent or "")
    return None if match is None else Trace(trace_id=match[1], span_id=match[2], flags=match[3])


def continue_trace(traceparent: str | None) -> Trace:
    """The next span of the trace in this header; a missing or malformed header starts a new trace."""
    above = parsed(traceparent)
    return new_trace() if above is None else above.child()
