"""The verdict as bytes, for a second: uptime monitors ask often and all get the same, so the second one in a second is
answered before anything is made or logged for it. It is counted as any other request."""

import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from multidict import CIMultiDict

from service.connections import Connections
from service.hardening import HEADERS
from service.metrics import Metrics

HEALTH_JSON = "application/health+json"
PATH = "/health/analysis-pipeline"
FOR_S = 1.0
_REQUEST_ID = "X-Request-Id"
# whoever sends one of these wants an answer of his own
_OWN = (hdrs.AUTHORIZATION, hdrs.IF_NONE_MATCH, hdrs.ORIGIN, _REQUEST_ID, "traceparent", "baggage")


@dataclass(frozen=True, kw_only=True)
class _Answer:
    body: bytes
    status: int
    headers: CIMultiDict[str]
    until: float
    count: Callable[[float], None]


class ReadyVerdict:
    """The last answer to a plain request, while it is young."""

    def __init__(self, metrics: Metrics, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._metrics = metrics
        self._monotonic = monotonic
        # unique, and far cheaper than a random number for each
        self._ids = map(f"{secrets.token_hex(8)}-{{}}".format, itertools.count())
        self._held: dict[str, _Answer] = {}

    def hold(self, request: web.Request, response: web.Response) -> None:
        """Keeps the answer to a plain request; leaves any other alone."""
        key = _key(request)
        if key is not None and isinstance(response.body, bytes):
            headers = CIMultiDict({**HEADERS, **response.headers})
            headers.popall(hdrs.CONTENT_LENGTH, None)
            count = self._metrics.same_requests(method="GET", route=PATH, status=response.status, synthetic=False)
            until = self._monotonic() + FOR_S
            self._held[key] = _Answer(
                body=response.body, status=response.status, headers=headers, until=until, count=count
            )

    def answer(self, request: web.Request) -> web.Response | None:
        """None when the request is not a plain one, or nothing young is held."""
        key = _key(request)
        held = self._held.get(key) if key is not None else None
        started = self._monotonic()
        if held is None or started >= held.until:
            return None
        response = web.Response(body=held.body, status=held.status, headers=held.headers)
        response.headers[_REQUEST_ID] = next(self._ids)
        held.count(self._monotonic() - started)
        return response


def answered_at_once(ready: ReadyVerdict, connections: Connections) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        # not request.path: it decodes the address, which no other request needs here
        if request.rel_url.raw_path != PATH:
            return await handler(request)
        found = ready.answer(request)
        if found is None:
            return await handler(request)
        connections.asked(request.protocol)
        return found

    return answer


def _key(request: web.Request) -> str | None:
    """The wished type of a GET without a question and without a header of its own."""
    if request.method != hdrs.METH_GET or request.query_string:
        return None
    headers = request.headers
    if any(name in headers for name in _OWN):
        return None
    return HEALTH_JSON if HEALTH_JSON in headers.get(hdrs.ACCEPT, "") else ""
