"""Browsers' pages of other origins: exact origins from the settings, no credentials."""

from collections.abc import Collection

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

ALLOWED_METHODS = "GET, HEAD, POST, OPTIONS"
ALLOWED_HEADERS = (
    "Accept-Language, Authorization, Baggage, Content-Type, If-None-Match, Prefer, Traceparent, X-Request-Id"
)
EXPOSED_HEADERS = "ETag, Location, Preference-Applied, Retry-After, X-Request-Id"
PREFLIGHT_S = "600"


def cross_origin(origins: Collection[str]) -> Middleware:
    """Answers preflights of these origins, and lets their pages read every other answer, errors too."""
    known = frozenset(origins)

    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get(hdrs.ORIGIN)
        if origin not in known:
            response = await handler(request)
        elif request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers:
            response = _preflight()
        else:
            response = await handler(request)
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS
        if origin is not None and origin in known:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        if known:
            response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        return response

    return admit


def _preflight() -> web.Response:
    return web.Response(
        status=204,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: ALLOWED_METHODS,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ALLOWED_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: PREFLIGHT_S,
        },
    )
