"""Spans to an OpenTelemetry collector: OTLP over HTTP. Needs the extra `otel`; core/tracing.py imports it where set.

A span is called as the log calls it: the ids of a request are made in core/trace.py; OpenTelemetry takes them over.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry import trace as api
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from core.failure import Failure
from core.settings import Settings
from core.telemetry import Kind, Value
from core.trace import Trace, parsed

EXPORT_LIMIT_S = 5
KINDS: Mapping[Kind, api.SpanKind] = {
    "server": api.SpanKind.SERVER,
    "producer": api.SpanKind.PRODUCER,
    "consumer": api.SpanKind.CONSUMER,
    "internal": api.SpanKind.INTERNAL,
}
_wanted: ContextVar[Trace | None] = ContextVar("wanted", default=None)


class WantedIds(RandomIdGenerator):
    """Random ones, but for a span that has its name already."""

    def generate_span_id(self) -> int:
        wanted = _wanted.get()
        return super().generate_span_id() if wanted is None else int(wanted.span_id, 16)

    def generate_trace_id(self) -> int:
        wanted = _wanted.get()
        return super().generate_trace_id() if wanted is None else int(wanted.trace_id, 16)


class OtelSpan:
    """core.telemetry.Span."""

    def __init__(self, span: api.Span) -> None:
        self._span = span

    def note(self, name: str, value: Value) -> None:
        self._span.set_attribute(name, value)

    def failed(self, error_type: str) -> None:
        self._span.set_attribute("error.type", error_type)
        # never an exception's text: it may hold an address
        self._span.set_status(api.StatusCode.ERROR, error_type)


class OtelTracing:
    """core.telemetry.Tracing."""

    def __init__(self, provider: TracerProvider) -> None:
        """Its ids come from WantedIds."""
        self._provider = provider
        self._tracer = provider.get_tracer("performate")

    @contextmanager
    def span(
        self,
        name: str,
        *,
        kind: Kind,
        attributes: Mapping[str, Value],
        parent: str | None = None,
        trace: Trace | None = None,
    ) -> Iterator[OtelSpan]:
        token = _wanted.set(trace)
        try:
            above = _context(parent) if parent is not None or trace is not None else None
            started = self._tracer.start_span(name, above, kind=KINDS[kind], attributes=attributes)
        finally:
            _wanted.reset(token)
        span = OtelSpan(started)
        with api.use_span(started, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield span
            except Failure as failure:
                span.failed(failure.code)
                raise
            except asyncio.CancelledError:
                span.failed("cancelled")
                raise
            except Exception as error:
                span.failed(type(error).__name__)
                raise

    def close(self) -> None:
        self._provider.shutdown()


def _context(parent: str | None) -> Context:
    """That of a remote parent; an empty one for a missing or malformed header."""
    above = parsed(parent)
    if above is None:
        return Context()
    known = api.SpanContext(
        trace_id=int(above.trace_id, 16),
        span_id=int(above.span_id, 16),
        is_remote=True,
        trace_flags=api.TraceFlags(int(above.flags, 16)),
    )
    return api.set_span_in_context(api.NonRecordingSpan(known), Context())


def exporting(settings: Settings, *, service: str) -> OtelTracing:
    """To the collector of the settings, in the background, a batch at a time; what it does not take is dropped."""
    known = {"service.name": f"performate-{service}", "service.version": settings.version}
    resource = Resource.create({**known, "service.instance.id": settings.instance})
    provider = TracerProvider(resource=resource, id_generator=WantedIds())
    endpoint = f"{(settings.otel_exporter_otlp_endpoint or '').rstrip('/')}/v1/traces"
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_LIMIT_S)))
    return OtelTracing(provider)
