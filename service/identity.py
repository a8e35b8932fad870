"""Who asks: request id, trace, language and the prober's mark, on the request and on every log line of its task."""

import re
import uuid

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from core.errors import negotiated
from core.trace import continue_trace
from service.keys import CALLER, Caller

REQUEST_ID = "X-Request-Id"
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NO_MODEL = re.compile(r"(^|,)\s*performate\.model\s*=\s*off\s*(;|,|$)")
_SYNTHETIC = re.compile(r"(^|,)\s*user_agent\.synthetic\.type\s*=\s*test\s*(;|,|$)")


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Requests of one connection share a task, so what the last one bound is cleared first."""
    caller = request[CALLER] = caller_of(request)
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(
        trace_id=caller.trace.trace_id, request_id=caller.request_id, synthetic=caller.synthetic
    )
    response = await handler(request)
    response.headers[REQUEST_ID] = caller.request_id
    return response


def caller_of(request: web.BaseRequest) -> Caller:
    """A request id that is not a short plain word is replaced. `baggage` carries the mark of synthetic requests, and
    whether such a one may spend nothing on the vision model."""
    baggage = request.headers.get("baggage", "")
    synthetic = _SYNTHETIC.search(baggage) is not None
    given = request.headers.get(REQUEST_ID, "")
    return Caller(
        request_id=given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex,
        trace=continue_trace(request.headers.get("traceparent")),
        language=negotiated(request.headers.get("Accept-Language")),
        synthetic=synthetic,
        without_model=synthetic and _NO_MODEL.search(baggage) is not None,
    )


def bind_analysis(analysis_id: str) -> None:
    structlog.contextvars.bind_contextvars(analysis_id=analysis_id)
