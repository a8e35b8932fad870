"""The typed keys under which the application, a request and a response hold what is theirs."""

from dataclasses import dataclass

from aiohttp import web

from core.error_codes import ErrorCode
from core.record import Language
from core.settings import Settings
from core.trace import Trace
from service.connections import Connections
from service.dependencies import DependencyCheck
from service.gate import Gate
from service.metrics import Metrics
from service.outside import Outside, Pace
from service.pipeline import Pipeline
from service.ready_verdict import ReadyVerdict
from service.watches import Watches


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who asks: `language` is None when the request wishes none; `synthetic` when it says that it is a test of ours."""

    request_id: str
    trace: Trace
    language: Language | None
    synthetic: bool
    without_model: bool = False


SETTINGS = web.AppKey("settings", Settings)
OUTSIDE = web.AppKey("outside", Outside)
PACE = web.AppKey("pace", Pace)
WATCHES = web.AppKey("watches", Watches)
DEPENDENCIES = web.AppKey("dependencies", DependencyCheck)
PIPELINE = web.AppKey("pipeline", Pipeline)
READY_VERDICT = web.AppKey("ready_verdict", ReadyVerdict)
RUN_GATE = web.AppKey("run_gate", Gate)
METRICS = web.AppKey("metrics", Metrics)
CONNECTIONS = web.AppKey("connections", Connections)
OPENAPI = web.AppKey("openapi", bytes)

CALLER = web.RequestKey("caller", Caller)
ERROR_CODE = web.ResponseKey("error_code", ErrorCode)
