"""The web application: a value made of settings and an outside."""

import asyncio
import json
from collections.abc import AsyncIterator
from types import MappingProxyType

from aiohttp import web

from core.settings import Settings
from service.bodies import MAX_JSON_BYTES
from service.connections import Connections
from service.cors import cross_origin
from service.dependencies import DependencyCheck
from service.gate import Gate
from service.hardening import harden
from service.identity import identify
from service.keys import (
    CONNECTIONS,
    DEPENDENCIES,
    METRICS,
    OPENAPI,
    OUTSIDE,
    PACE,
    PIPELINE,
    READY_VERDICT,
    RUN_GATE,
    SETTINGS,
    WATCHES,
)
from service.metrics import Metrics
from service.observation import observe
from service.openapi import document
from service.outside import Outside, Pace
from service.pages import add_pages
from service.pipeline import Pipeline
from service.probe_figures import ProbeCollector
from service.problems import problems
from service.ready_verdict import ReadyVerdict, answered_at_once
from service.routes import ROUTES
from service.tracing import requests_traced
from service.watches import Watches

_ADD = MappingProxyType({"GET": web.get, "POST": web.post, "DELETE": web.delete})


def make_app(settings: Settings, outside: Outside, *, pace: Pace | None = None) -> web.Application:
    """Asks nothing of the outside before it is started. Middlewares from the outermost to the innermost."""
    pace = pace or Pace()
    connections, metrics = Connections(head_s=pace.head_s), Metrics()
    ready = ReadyVerdict(metrics)
    at_once = answered_at_once(ready, connections)
    app = web.Application(
        middlewares=(
            at_once,
            connections.notice,
            identify,
            *(() if outside.tracing is None else (requests_traced(outside.tracing),)),
            observe,
            cross_origin(settings.cors_origins),
            harden,
            problems,
        ),
        client_max_size=MAX_JSON_BYTES,
    )
    app[SETTINGS] = settings
    app[OUTSIDE] = outside
    app[PACE] = pace
    app[METRICS] = metrics
    app[READY_VERDICT] = ready
    app[CONNECTIONS] = connections
    app[WATCHES] = Watches(outside.records, interval_s=pace.watch_s, presence_s=pace.presence_s)
    app[DEPENDENCIES] = DependencyCheck(outside, interval_s=pace.check_s, limit_s=pace.check_limit_s)
    app[PIPELINE] = Pipeline(outside.verdicts, settings.cadence)
    app[RUN_GATE] = Gate(gap_s=pace.run_gap_s)
    app[OPENAPI] = json.dumps(document(ROUTES, version=settings.version)).encode()
    app.add_routes([_ADD[route.method](route.path, route.handle) for route in ROUTES])
    add_pages(app, settings)
    metrics.watch(ProbeCollector(app[PIPELINE], settings, now=outside.now))
    app.cleanup_ctx.append(_dependency_check)
    app.on_shutdown.append(_let_go)
    return app


async def _dependency_check(app: web.Application) -> AsyncIterator[None]:
    tasks = {app[DEPENDENCIES].start(), asyncio.create_task(app[PIPELINE].keep(app[PACE].check_s))}
    yield
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


async def _let_go(app: web.Application) -> None:
    """Held requests end before the drain begins: none of them would last as short as it does."""
    app[WATCHES].close()
