"""Whatever goes wrong in a handler, as a problem body from the catalogue."""

import math
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import JsonValue

from core.error_codes import ErrorCode
from core.errors import catalogue, problem
from core.failure import Failure
from core.record import Language
from service.keys import CALLER, ERROR_CODE, METRICS, OUTSIDE
from service.refusal import Refusal

_log = structlog.stdlib.get_logger(__name__)

_BY_STATUS = {
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    408: ErrorCode.REQUEST_TIMEOUT,
    413: ErrorCode.REQUEST_TOO_LARGE,
}
_SOON = "5"


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPError as error:
        headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
        fallback = ErrorCode.INTERNAL if error.status >= 500 else ErrorCode.INVALID_REQUEST
        return problem_response(request, _BY_STATUS.get(error.status, fallback), headers=headers)
    except Failure as failure:
        return _refused(request, failure)
    except Exception:  # noqa: BLE001 - the last door: whatever it is, the client gets a body and we get the stack
        _log.exception("http.request.crashed")
        return problem_response(request, ErrorCode.INTERNAL)


def problem_response(
    request: web.Request,
    code: ErrorCode,
    *,
    facts: Mapping[str, JsonValue] | None = None,
    headers: Mapping[str, str] | None = None,
    language: Language = "en",
) -> web.Response:
    """The body in the language that the request wishes, else in `language`. Only known routes repeat their path."""
    caller = request[CALLER]
    body = problem(
        code,
        now=request.app[OUTSIDE].now(),
        language=caller.language or language,
        request_id=caller.request_id,
        instance=request.path if request.match_info.route.resource is not None else None,
        technical_details=facts,
    )
    response = web.Response(
        body=body.model_dump_json().encode(),
        status=body.status,
        content_type="application/problem+json",
        headers={"Content-Language": caller.language or language, **(headers or {})},
    )
    if body.status in (429, 503):
        response.headers.setdefault("Retry-After", _SOON)
    response[ERROR_CODE] = code
    request.app[METRICS].problem_answered(code, synthetic=caller.synthetic)
    return response


def _refused(request: web.Request, failure: Failure) -> web.Response:
    """What is the client's to mend needs no line of its own: the request's line has its code."""
    if catalogue()[failure.code].http_status >= 500:
        _log.warning("http.request.failed", error_code=failure.code, detail=failure.detail, exc_info=True)
    headers = {} if failure.retry_after is None else {"Retry-After": str(math.ceil(failure.retry_after))}
    if not isinstance(failure, Refusal):
        return problem_response(request, failure.code, headers=headers)
    return problem_response(request, failure.code, facts=failure.facts, headers={**headers, **failure.headers})
