"""`python -m consumer ingest | analysis | file CLIP`: the consumer processes, and the analyzer by hand."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import structlog

from consumer.engine.preflight import BrokenSetup
from consumer.figures import Figures
from consumer.liveness import health_port
from consumer.roles import OpenRole, analysis_role, ingest_role
from core.failure import Failure
from core.health_port import PortTaken
from core.log import configure_logging, log_settings
from core.reporting import error_reports
from core.settings import Settings, load_settings

log = structlog.stdlib.get_logger(__name__)

ROLES: Mapping[str, tuple[str, OpenRole]] = MappingProxyType(
    {"ingest": ("ingest", ingest_role), "analysis": ("worker", analysis_role)}
)
"""Role -> the service's name in the log, and how it is opened."""

ABOUT = """\
Works on one queue until SIGTERM or SIGINT, then ends what it has begun (DRAIN_S seconds; a second signal hurries).
Settings are environment variables: see the table in README.md.

  ingest        looks at new uploads, refuses what is no clip, and asks for the analysis of the others
  analysis      analyses clips, WORKER_CONCURRENCY at a time
  file CLIP     analyses a file of this machine, no AWS needed: `python -m consumer file --help`
"""


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m consumer", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=[*ROLES, "file"])
    if argv[:1] == ["file"]:
        # loads a video decoder, which the roles keep out of their own process
        from consumer.local import main as analyse_file  # noqa: PLC0415

        # the JSON on stdout stands alone
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
        return analyse_file(argv[1:])
    what: str = parser.parse_args(argv).what
    service, open_role = ROLES[what]
    settings = load_settings()
    configure_logging(settings, service=service)
    log_settings(settings)
    with error_reports(settings, service=service):
        return supervised(settings, what, open_role)


def supervised(settings: Settings, what: str, open_role: OpenRole) -> int:
    """The exit code."""
    try:
        asyncio.run(work(settings, what, open_role))
    except Failure as failure:
        log.error("consumer.start.failed", kind=what, error_code=failure.code, detail=failure.detail)
        return 1
    except BrokenSetup as broken:
        # as with settings that are wrong: no restart mends it
        log.error("consumer.start.refused", kind=what, queue=broken.queue, flaws=list(broken.flaws))
        return 2
    except PortTaken as taken:
        log.error("consumer.start.refused", kind=what, detail=str(taken))
        return 2
    return 0


async def work(settings: Settings, kind: str, open_role: OpenRole) -> None:
    """Until SIGTERM or SIGINT; a second one hurries."""
    stop, hurry = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        log.info("consumer.stopping", kind=kind, hurry=stop.is_set())
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    figures = Figures()
    async with open_role(settings, figures) as engine, health_port(settings, engine.vitals, figures):
        log.info("consumer.started", kind=kind, concurrency=engine.slots.limit)
        await engine.run(stop, hurry)
    log.info("consumer.stopped", kind=kind)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
