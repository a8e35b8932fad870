"""Errors to Sentry, each once, from one place: what is logged at level error, and nothing else.

The log's contract decides what an error is: trouble that is tried again is a warning, its end is an error. So nothing
else captures: none of the SDK's integrations is on, and no call of it stands anywhere but here and in core/spans.py.
"""

import logging
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import sentry_sdk
import structlog
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import event_from_exception

from core.scrubbing import Scrubber, scrubber_of
from core.settings import Settings

FLUSH_S = 2.0
TAGS = ("error_code", "stage", "kind", "queue", "owner", "attempt", "synthetic")
_CONSTANT = frozenset({"timestamp", "level", "event", "schema_version", "service", "instance", "version", "exc_info"})
_OWN = ("sentry_sdk", "urllib3")
_NOTHING: Mapping[str, Any] = {
    "default_integrations": False,
    "auto_enabling_integrations": False,
    "auto_session_tracking": False,
    "max_breadcrumbs": 0,
    "include_local_variables": False,
    "max_request_body_size": "never",
    "send_client_reports": False,
    # given at all, it overrules include_local_variables, and its own default is to send them
    "data_collection": {"user_info": False, "http_bodies": [], "stack_frame_variables": False},
}
"""Nothing is collected that we did not say ourselves."""


@contextmanager
def error_reports(
    settings: Settings, *, service: str, transport: Transport | None = None, scrubber: Scrubber | None = None
) -> Iterator[None]:
    """While inside, errors are sent, and spans of queues for SENTRY_TRACES of the traces. Without SENTRY_DSN nothing
    is. After configure_logging. An exception that leaves is logged, which sends it, and goes on."""
    dsn = settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else ""
    handler = Reports() if dsn else None
    if handler is not None:
        _open(dsn, settings, service, transport, scrubber or scrubber_of(settings))
        logging.getLogger().addHandler(handler)
    try:
        yield
    except Exception:
        structlog.stdlib.get_logger("performate").exception("process.crashed")
        raise
    finally:
        if handler is not None:
            logging.getLogger().removeHandler(handler)
            sentry_sdk.flush(FLUSH_S)
            sentry_sdk.get_client().close(timeout=FLUSH_S)
            sentry_sdk.get_global_scope().set_client(None)


def _open(dsn: str, settings: Settings, service: str, transport: Transport | None, scrubber: Scrubber) -> None:
    def scrubbed(event: Event, _: Hint) -> Event:
        return cast("Event", scrubber.value(event))

    sentry_sdk.init(
        dsn=dsn,
        transport=transport,
        release=f"performate@{settings.version}",
        server_name=settings.instance,
        environment=settings.sentry_environment,
        traces_sample_rate=settings.sentry_traces,
        before_send=scrubbed,
        before_send_transaction=scrubbed,
        **_NOTHING,
    )
    sentry_sdk.get_global_scope().set_tag("service", service)


class Reports(logging.Handler):
    """One event for each record at level error or above."""

    def __init__(self) -> None:
        super().__init__(level=logging.ERROR)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(_OWN):
            return
        try:
            self._send(record)
        except Exception:  # noqa: BLE001  # a report that cannot be made must not end what it reports on
            self.handleError(record)

    def _send(self, record: logging.LogRecord) -> None:
        fields = _fields(record)
        error = _exception(record, fields)
        event = event_of(record, fields, error)
        hint: dict[str, Any] = {}
        if error is not None:
            found, hint = event_from_exception(error, client_options=sentry_sdk.get_client().options)
            event["exception"] = found["exception"]
        sentry_sdk.capture_event(event, hint=hint)


def event_of(record: logging.LogRecord, fields: Mapping[str, Any], error: BaseException | None) -> Event:
    """Without its stack. The same code at the same stage is the same issue, whatever its detail says."""
    name = str(fields.get("event", record.getMessage()))
    code = fields.get("error_code")
    kind = str(code) if code is not None else f"{name}/{type(error).__name__}" if error is not None else name
    event: Event = {
        "level": "fatal" if record.levelno >= logging.CRITICAL else "error",
        "logger": record.name,
        "logentry": {"message": name if code is None else f"{name}: {code}"},
        "fingerprint": [kind, str(fields.get("stage") or "-")],
        "tags": {"event": name, **{tag: str(fields[tag]) for tag in TAGS if fields.get(tag) is not None}},
        "extra": {key: value for key, value in fields.items() if key not in _CONSTANT and not key.startswith("_")},
    }
    trace_id = fields.get("trace_id")
    if isinstance(trace_id, str):
        event["contexts"] = {"trace": {"trace_id": trace_id, "span_id": secrets.token_hex(8)}}
    return event


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    """Ours are a mapping until they are rendered; a library's line is a sentence, its name constant."""
    if isinstance(record.msg, dict):
        return record.msg
    bound = structlog.contextvars.get_contextvars()
    return {**bound, "event": "library.log", "logger": record.name, "message": record.getMessage()}


def _exception(record: logging.LogRecord, fields: Mapping[str, Any]) -> BaseException | None:
    given = fields.get("exc_info") or record.exc_info
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return cast("BaseException | None", given[1])
    return sys.exc_info()[1] if given else None
