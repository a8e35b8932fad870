"""A consumer's own port: /livez, /readyz, /metrics, from the process and the event loop that they tell of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry

from consumer.engine.vitals import Vitals
from consumer.figures import Figures
from consumer.metrics import exposition, registry_of
from core.health_port import listening
from core.settings import Settings

log = structlog.stdlib.get_logger(__name__)
VITALS = web.AppKey("vitals", Vitals)
REGISTRY = web.AppKey("registry", CollectorRegistry)


def make_app(vitals: Vitals, figures: Figures) -> web.Application:
    app = web.Application()
    app[VITALS] = vitals
    app[REGISTRY] = registry_of(vitals, figures)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app


async def livez(request: web.Request) -> web.Response:
    """503 with the reasons when consuming has stopped though it should not have. A platform restarts for it."""
    troubles = request.app[VITALS].troubles()
    if troubles:
        log.error("consumer.not_alive", reasons=list(troubles))
    return _answer("alive", troubles)


async def readyz(request: web.Request) -> web.Response:
    """503 before the first poll, and from the signal to stop on."""
    return _answer("ready", () if request.app[VITALS].ready else ("it is starting or draining",))


async def metrics(request: web.Request) -> web.Response:
    return web.Response(body=exposition(request.app[REGISTRY]), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})


@asynccontextmanager
async def health_port(settings: Settings, vitals: Vitals, figures: Figures) -> AsyncIterator[None]:
    """Listens beside the block, unless HEALTH_PORT is 0. Raises PortTaken."""
    if settings.health_port == 0:
        yield
        return
    watch = asyncio.create_task(vitals.watch())
    try:
        async with listening(make_app(vitals, figures), settings):
            log.info("consumer.health_port.opened", host=settings.host, port=settings.health_port)
            yield
    finally:
        watch.cancel()


def _answer(state: str, against: tuple[str, ...]) -> web.Response:
    if against:
        return web.json_response({"status": f"not {state}", "reasons": list(against)}, status=503)
    return web.json_response({"status": state})
