"""An analysis that ended without a result: its error, inside its state or as an answer of its own."""

from datetime import datetime

from aiohttp import web
from pydantic import JsonValue

from core.error_codes import ErrorCode
from core.errors import Problem, problem
from core.record import Record, Status
from core.trace import continue_trace
from service.keys import CALLER
from service.problems import problem_response


def code_of(record: Record) -> ErrorCode | None:
    """None unless the analysis failed or its upload expired."""
    if record.status is Status.EXPIRED:
        return ErrorCode.UPLOAD_EXPIRED
    return record.error_code or ErrorCode.INTERNAL if record.status is Status.FAILED else None


def error_of(request: web.Request, record: Record) -> Problem | None:
    """The error inside a state: the same for every reader of a language, so that the state's ETag holds for it."""
    code = code_of(record)
    if code is None:
        return None
    return problem(
        code,
        now=datetime.fromisoformat(record.finished_at or record.updated_at),
        language=request[CALLER].language or record.language,
        instance=f"/analysis/{record.analysis_id}",
        technical_details=_facts(record),
    )


def failure_response(request: web.Request, record: Record) -> web.Response:
    """The same error with its own status, in the request's language or else the record's."""
    code = code_of(record) or ErrorCode.INTERNAL
    return problem_response(request, code, facts=_facts(record), language=record.language)


def _facts(record: Record) -> dict[str, JsonValue]:
    return {
        "analysis_id": record.analysis_id,
        "trace_id": continue_trace(record.traceparent).trace_id,
        "attempt": record.attempt,
        "failed_at": record.finished_at,
    }
