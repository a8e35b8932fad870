"""One span for each request, called as the log calls it."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from core.telemetry import Tracing
from service.keys import CALLER
from service.observation import QUIET, route_of


def requests_traced(tracing: Tracing) -> Middleware:
    @web.middleware
    async def trace(request: web.Request, handler: Handler) -> web.StreamResponse:
        route = route_of(request)
        if route in QUIET:
            return await handler(request)
        known = {"http.request.method": request.method, "http.route": route, "url.scheme": request.scheme}
        caller = request[CALLER]
        with tracing.span(
            f"{request.method} {route}",
            kind="server",
            attributes={**known, "user_agent.synthetic": caller.synthetic},
            parent=request.headers.get("traceparent"),
            trace=caller.trace,
        ) as span:
            response = await handler(request)
            span.note("http.response.status_code", response.status)
            if response.status >= 500:
                span.failed(str(response.status))
        return response

    return trace
