"""`python -m prober`: the loop, one run, the view, or just a clip."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import structlog

from core.error_codes import ErrorCode
from core.failure import Failure
from core.health_port import PortTaken
from core.log import configure_logging, log_settings
from core.reporting import error_reports
from core.settings import Settings, load_settings
from prober.alarms import notifier_of
from prober.checkins import checkins_of
from prober.clip import make_clip, new_nonce
from prober.figures import metrics_port
from prober.lease import LeaseLost
from prober.loop import Loop
from prober.outside import Outside, open_outside
from prober.schedule import disagrees
from prober.session import Prober
from prober.site import until_up
from prober.verification import main as verify
from prober.watch import watch

PASS, FAIL, CANNOT, BUSY, CANCELLED = 0, 1, 2, 75, 143
ABOUT = """\
Sends a fresh clip through the whole pipeline, as a browser does, and looks for the known answer in what comes back.
Without an option: for ever, one run every PROBE_INTERVAL_S. Settings are environment variables: see README.md.

  --once            one run; exit code 0 good, 1 failed, 2 could not run, 75 another run is under way, 143 cancelled
  --once --confirm  for a cron: a run that disagrees with the state of the pipeline is repeated, as the loop does
  --watch           shows the last runs, and the stages of the present one as they pass
  clip OUT.mp4      only writes such a clip
  verify URL        the smoke test after a deploy, of any deployment: `python -m prober verify --help`
"""

_log = structlog.stdlib.get_logger(__name__)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m prober", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    if argv[:1] == ["verify"]:
        return verify(argv[1:])
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--once", action="store_true")
    mode.add_argument("--watch", action="store_true")
    parser.add_argument("--confirm", action="store_true")
    mode.add_argument("what", nargs="?", choices=["clip"])
    parser.add_argument("out", nargs="?", type=Path)
    options = parser.parse_args(argv)
    if options.what == "clip":
        if options.out is None:
            parser.error("clip: where to? python -m prober clip OUT.mp4")
        options.out.write_bytes(make_clip(new_nonce()).data)
        return PASS
    settings = load_settings()
    if options.watch:
        code = _until_stopped(_watch(settings))
        # that somebody has seen enough is no failure
        return PASS if code == CANCELLED else code
    configure_logging(settings, service="prober")
    log_settings(settings)
    with error_reports(settings, service="prober"):
        if settings.admin_token is None:
            _log.error(
                "probe.start.failed", detail="ADMIN_TOKEN is not set: nothing that a probe made could be removed"
            )
            return CANNOT
        return _until_stopped(_work(settings, settings.admin_token.get_secret_value(), options))


def _until_stopped(work: Coroutine[Any, Any, int]) -> int:
    """Its exit code; CANCELLED after SIGTERM or SIGINT. A second signal is not heard: the end is short."""

    async def supervised() -> int:
        task = asyncio.create_task(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stopping(task))
        await asyncio.wait({task})
        return CANCELLED if task.cancelled() else task.result()

    return asyncio.run(supervised())


def _stopping(task: asyncio.Task[int]) -> Any:
    def stop() -> None:
        if not task.cancelling():
            task.cancel()

    return stop


async def _watch(settings: Settings) -> int:
    try:
        async with open_outside(settings) as outside:
            await watch(outside.verdicts)
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
    return CANNOT


async def _work(settings: Settings, admin_token: str, options: argparse.Namespace) -> int:
    try:
        async with open_outside(settings) as outside:
            prober = prober_of(settings, outside, admin_token)
            return await _once(prober, confirm=options.confirm) if options.once else await _for_ever(prober)
    except PortTaken as taken:
        _log.error("probe.start.failed", error_code=None, detail=str(taken))
        return CANNOT
    except (Failure, ValueError) as error:
        code = error.code if isinstance(error, Failure) else ErrorCode.INVALID_REQUEST
        _log.error("probe.start.failed", error_code=code, detail=str(error))
        return CANNOT


def prober_of(settings: Settings, outside: Outside, admin_token: str) -> Prober:
    return Prober(
        settings=settings,
        outside=outside,
        notifier=notifier_of(settings),
        checkins=checkins_of(settings),
        admin_token=admin_token,
    )


async def _once(prober: Prober, *, confirm: bool) -> int:
    """Of runs that are repeated, the last one counts."""
    rule, clock = prober.rule, prober.outside.monotonic
    for left in reversed(range(max(rule.failures, rule.recoveries) if confirm else 1)):
        started = clock()
        try:
            found = await prober.run("once")
        except LeaseLost:
            found = None
        if found is None:
            _log.warning("probe.not_run", error_code=ErrorCode.PROBE_OVERLAP)
            return BUSY
        run, board = found
        if left == 0 or not disagrees(board, run):
            break
        await asyncio.sleep(max(0.0, started + prober.settings.cadence.timeout_s - clock()))
    return FAIL if run.result == "fail" else PASS


async def _for_ever(prober: Prober) -> int:
    _log.info("prober.started", interval_s=prober.settings.probe_interval_s)
    try:
        async with metrics_port(prober.settings, prober.figures):
            await until_up(prober.settings.probe_url, limit_s=prober.settings.cadence.timeout_s)
            await Loop(prober=prober, due=prober.outside.monotonic()).run()
    except asyncio.CancelledError:
        _log.info("prober.stopped")
    return PASS


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
