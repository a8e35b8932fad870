"""GET /health/analysis-pipeline, its history and its badge; POST .../run. Answers come from stored verdicts only."""

import secrets

from aiohttp import hdrs, web

from core.error_codes import ErrorCode
from core.verdicts import Board
from service.answers import respond
from service.authority import is_operator, require_operator
from service.badge import badge
from service.conditional import unless_known
from service.keys import OUTSIDE, PIPELINE, READY_VERDICT, RUN_GATE, SETTINGS
from service.outside import Outside
from service.pipeline_answers import (
    WantedRun,
    health_body,
    history_body,
    retry_after_s,
    started_recently,
)
from service.ready_verdict import HEALTH_JSON, PATH
from service.refusal import Refusal
from service.standing import judge

TRIES = 20
SPARE_S = 60.0
"""A run may take so much longer than its time-out: it cleans up, and is judged."""


async def pipeline(request: web.Request) -> web.Response:
    """200 for pass and warn, 503 for fail; with ?fail_on=warn 503 for warn as well. A badge is always 200: a picture
    with another status is not shown."""
    found = request.app[PIPELINE]
    seen = found.fresh() or await found.seen()
    now = request.app[OUTSIDE].now()
    stands = judge(seen, now=now, cadence=found.cadence)
    caching = {"Cache-Control": f"max-age={min(5, int(found.cadence.cache_s))}"}
    if request.query.get("format") == "badge":
        return web.Response(body=badge(stands), content_type="image/svg+xml", headers=caching)
    body = health_body(
        seen,
        stands,
        now=now,
        cadence=found.cadence,
        version=request.app[SETTINGS].version,
        operator=is_operator(request),
    )
    failing = stands.status == "fail" or (stands.status == "warn" and request.query.get("fail_on") == "warn")
    if failing:
        headers = {"Retry-After": str(retry_after_s(seen, now=now, cadence=found.cadence))}
        response = respond(body, status=503, headers=headers)
    else:
        response = unless_known(request, body, tag=_tag(seen.board, stands.status))
        response.headers.update(caching)
    if response.status != 304 and HEALTH_JSON in request.headers.get(hdrs.ACCEPT, ""):
        response.headers[hdrs.CONTENT_TYPE] = HEALTH_JSON
    response.headers[hdrs.VARY] = "Accept, Authorization, Origin"
    request.app[READY_VERDICT].hold(request, response)
    return response


async def history(request: web.Request) -> web.Response:
    """For charts. 503 when the stored verdicts cannot be read."""
    found = request.app[PIPELINE]
    seen = found.fresh() or await found.seen()
    if not seen.readable:
        raise Refusal(ErrorCode.STORE_UNAVAILABLE)
    return respond(history_body(seen.archive, now=request.app[OUTSIDE].now()))


async def run(request: web.Request) -> web.Response:
    """202 with the id of the run that will be the answer: the one under way, the one that was asked for, or a new
    one, which a prober begins as soon as it sees the wish. Raises Refusal: UNAUTHENTICATED, FORBIDDEN,
    RATE_LIMITED."""
    require_operator(request)
    outside = request.app[OUTSIDE]
    limit_s = request.app[PIPELINE].cadence.timeout_s + SPARE_S
    wanted = secrets.token_hex(8)
    for _ in range(TRIES):
        seen = await outside.verdicts.board()
        board = seen or Board()
        if board.running is not None and started_recently(board, now=outside.now(), limit_s=limit_s):
            return _answer(WantedRun(run_id=board.running.run_id, status="running", joined=True))
        if board.requested is not None:
            return _answer(WantedRun(run_id=board.requested, status="requested", joined=True))
        request.app[RUN_GATE].check()
        if await _requested(outside, seen, wanted):
            request.app[RUN_GATE].passed()
            return _answer(WantedRun(run_id=wanted, status="requested", joined=False))
    raise Refusal(ErrorCode.STORE_UNAVAILABLE)


async def _requested(outside: Outside, seen: Board | None, wanted: str) -> bool:
    board = (seen or Board()).model_copy(update={"requested": wanted})
    return await outside.verdicts.swap(seen=seen, wanted=board) is not None


def _answer(wanted: WantedRun) -> web.Response:
    return respond(wanted, status=202, headers={"Location": PATH, "Retry-After": "5"})


def _tag(board: Board | None, status: str) -> str:
    return f"{board.revision if board is not None else 0}-{status}"
