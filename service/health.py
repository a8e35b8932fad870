"""GET /health, /livez, /readyz, /metrics. None of them asks anything of the outside."""

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST

from core.error_codes import ErrorCode
from service.answers import Alive, CacheStats, Health, Services, Waiting, respond
from service.dependencies import NAMES
from service.keys import DEPENDENCIES, METRICS, SETTINGS, WATCHES
from service.refusal import Refusal


async def health(request: web.Request) -> web.Response:
    """Always 200: a dependency that is away is no reason to restart or unroute this process."""
    check = request.app[DEPENDENCIES]
    found = {name: check.availability(name) for name in NAMES}
    healthy = all(availability != "unavailable" for availability in found.values())
    age, backlog = check.age_s, check.backlog
    body = Health(
        status="healthy" if healthy else "degraded",
        version=request.app[SETTINGS].version,
        services=Services(**found, video_cache="not_configured"),
        cache_stats=CacheStats(**{name: max(0, check.cache.get(name, 0)) for name in CacheStats.model_fields}),
        waiting=Waiting(
            ingest=backlog.ingest,
            analysis=backlog.analysis,
            oldest_s=None if backlog.oldest_s is None else round(backlog.oldest_s, 1),
        ),
        check=check.state,
        checked_s_ago=None if age is None else round(age, 1),
    )
    return respond(body)


async def livez(_: web.Request) -> web.Response:
    """The event loop answers; nothing else is asked, so that nobody else's trouble restarts this process."""
    return respond(Alive(status="alive"))


async def readyz(request: web.Request) -> web.Response:
    """200 from the first look at the dependencies, whatever it found, until the shutdown begins."""
    if request.app[WATCHES].closing or not request.app[DEPENDENCIES].looked:
        raise Refusal(ErrorCode.NOT_READY)
    return respond(Alive(status="ready"))


async def metrics(request: web.Request) -> web.Response:
    return web.Response(body=request.app[METRICS].exposition(), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})
