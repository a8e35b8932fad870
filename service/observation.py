"""One log line and one measurement for each request, however it ends."""

import time

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from service.keys import CALLER, ERROR_CODE, METRICS

CLIENT_GONE = 499
UNMATCHED = "unmatched"
QUIET = frozenset({"/livez", "/readyz", "/metrics"})
"""Routes of the platform, asked all the time."""

_log = structlog.stdlib.get_logger(__name__)


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    started = time.perf_counter()
    response: web.StreamResponse | None = None
    with request.app[METRICS].in_flight.track_inprogress():
        try:
            response = await handler(request)
        finally:
            _told(request, response, time.perf_counter() - started)
    return response


def route_of(request: web.Request) -> str:
    """The route's template: the path itself holds ids, and whatever a client writes into it."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else UNMATCHED


def _told(request: web.Request, response: web.StreamResponse | None, seconds: float) -> None:
    """Without a response the task was cancelled; without a transport the client left before its answer."""
    route = route_of(request)
    status = CLIENT_GONE if response is None or request.transport is None else response.status
    request.app[METRICS].request_completed(
        method=request.method, route=route, status=status, synthetic=request[CALLER].synthetic, seconds=seconds
    )
    line = {
        "method": request.method,
        "route": route,
        "status": status,
        "ms": round(seconds * 1000, 1),
        "bytes": (response.content_length or 0) if response is not None else 0,
        "bytes_in": request.content_length or 0,
        "error_code": response.get(ERROR_CODE) if response is not None else None,
    }
    if status >= 500:
        _log.warning("http.request.completed", **line)
    elif route in QUIET:
        _log.debug("http.request.completed", **line)
    else:
        _log.info("http.request.completed", **line)
