"""JSON lines on stdout, the same shape from our code and from every library.

One object a line: timestamp, level, event, schema_version, service, instance, version, then what is bound to the task
(trace_id, request_id, analysis_id, attempt, stage, synthetic), then the event's own fields.
"""

import logging
import sys
import warnings
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from core.scrubbing import Scrubber, scrubber_of
from core.settings import Settings

LOG_SCHEMA_VERSION = 1
_BOUND = ("trace_id", "request_id", "analysis_id", "attempt", "stage", "synthetic")
_FIRST = ("timestamp", "level", "event", "schema_version", "service", "instance", "version", *_BOUND)


def scrubbing(scrubber: Scrubber) -> Processor:
    """What this module itself puts on every line holds no secret, and is not looked through."""

    def scrub(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {name: value if name in _FIRST else scrubber.named(name, value) for name, value in event.items()}

    return scrub


def _identity(settings: Settings, service: str) -> Processor:
    constant = {
        "schema_version": LOG_SCHEMA_VERSION,
        "service": service,
        "instance": settings.instance,
        "version": settings.version,
    }

    def add(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**dict.fromkeys(_BOUND), **event, **constant}

    return add


def _in_order(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {**{name: event[name] for name in _FIRST if name in event}, **event}


def _library_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A library's line has a sentence for a name: the sentence goes to `message`, so that event names stay constant."""
    record = event.get("_record")
    if record is not None and not event.get("_from_structlog", False):
        return {**event, "event": "library.log", "logger": record.name, "message": event["event"]}
    return event


def _for_people(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """A terminal has no room for what is the same on every line, or nothing."""
    constant = ("schema_version", "service", "instance", "version")
    return {name: value for name, value in event.items() if value is not None and name not in constant}


def _renderer(settings: Settings, scrubber: Scrubber) -> list[Processor]:
    scrub = scrubbing(scrubber)
    if settings.log_format == "console":
        return [
            structlog.processors.format_exc_info,
            scrub,
            _for_people,
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    # show_locals would write secrets that happen to be in a frame into the log
    tracebacks = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    return [tracebacks, scrub, _in_order, structlog.processors.JSONRenderer(default=str)]


def configure_logging(
    settings: Settings, *, service: str, stream: TextIO | None = None, scrubber: Scrubber | None = None
) -> None:
    """Send everything that is logged in this process, warnings included, to `stream` (stdout) as described above.
    `scrubber`: another than that of the settings' own secrets."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _identity(settings, service),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            _library_event,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *_renderer(settings, scrubber or scrubber_of(settings)),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for chatty in ("botocore", "aiobotocore", "asyncio", "aiohttp.access", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # looked up for each line otherwise, and in none of them
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def log_settings(settings: Settings) -> None:
    """The first line of a process: what it runs with, secrets masked."""
    structlog.stdlib.get_logger("performate").info("settings.loaded", settings=settings.masked())
