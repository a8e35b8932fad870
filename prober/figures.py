"""What Prometheus reads from a prober that runs for ever, and the port where: counts of what it did since its start.

How the pipeline stands is the web process's to say, from the stored verdicts: that holds for a cron as well.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import hdrs, web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from core.health_port import listening
from core.settings import Settings
from core.verdicts import Run

BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 90, 120, 300)

_log = structlog.stdlib.get_logger(__name__)


class Figures:
    """Labels are results, stages and codes of the catalogue: their number is bounded."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._runs = Counter("performate_prober_runs", "Probes that ended", ("result",), registry=self.registry)
        self._failures = Counter(
            "performate_prober_failures",
            "Probes that failed, and where",
            ("failed_stage", "error_code"),
            registry=self.registry,
        )
        self._durations = Histogram(
            "performate_prober_run_duration_seconds",
            "From the first request to the last check",
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "performate_prober_stage_duration_seconds",
            "Stages of probes, as a client sees them",
            ("stage",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._usd = Counter("performate_prober_cost_usd", "What probes cost", registry=self.registry)
        self._tokens = Counter("performate_prober_tokens", "The same in tokens", registry=self.registry)
        for result in ("pass", "warn", "fail", "cancelled"):
            self._runs.labels(result)

    def ended(self, run: Run, *, usd: float, tokens: int) -> None:
        self._runs.labels(run.result).inc()
        self._durations.observe(run.wall_ms / 1000)
        for one in run.stages:
            self._stages.labels(one.stage).observe(one.ms / 1000)
        if run.error_code is not None:
            self._failures.labels(run.failed_stage or "unknown", run.error_code).inc()
        self._usd.inc(usd)
        self._tokens.inc(tokens)


@asynccontextmanager
async def metrics_port(settings: Settings, figures: Figures) -> AsyncIterator[None]:
    """Listens beside the block, unless HEALTH_PORT is 0. Raises PortTaken."""
    if settings.health_port == 0:
        yield
        return

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(figures.registry), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    async def livez(_: web.Request) -> web.Response:
        """The loop answers. Whether probes end is what the verdict's age says."""
        return web.json_response({"status": "alive"})

    app = web.Application()
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/livez", livez)
    async with listening(app, settings):
        _log.info("prober.health_port.opened", host=settings.host, port=settings.health_port)
        yield
