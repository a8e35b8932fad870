"""The settings' way to export spans, or none."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.settings import Settings
from core.telemetry import Tracing


@asynccontextmanager
async def open_tracing(settings: Settings, *, service: str) -> AsyncIterator[Tracing | None]:
    """None where no collector is set: nothing is wrapped then. Raises SystemExit(2) without the extra `otel`."""
    if settings.otel_exporter_otlp_endpoint is None:
        yield None
        return
    try:
        # an extra: most installations have none of it
        from core.otel import exporting  # noqa: PLC0415
    except ImportError:
        sys.stderr.write("OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed: performate[otel]\n")
        raise SystemExit(2) from None
    tracing = exporting(settings, service=service)
    try:
        yield tracing
    finally:
        await asyncio.to_thread(tracing.close)
