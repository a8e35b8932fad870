"""`performate probe`: one probe, the view, and the maintenance window in which alarms wait."""

import asyncio
import json
import re
import subprocess
import sys
import time
from datetime import UTC, datetime

import click

from core.aws.clients import open_clients
from core.aws.verdicts import DynamoVerdicts
from core.error_codes import ErrorCode
from core.failure import Failure
from core.ports import Verdicts
from core.record import rfc3339
from core.settings import Settings, load_settings
from core.verdicts import Board
from ops.console import json_option, tell_json

EXIT_CODES = """
\b
Exit codes: 0 done, 1 it failed (the last line on stderr has the error's code), 2 wrong options or settings.
"""
TRIES = 20
ENDS = ("probe.completed", "probe.failed")
_SPAN = re.compile(r"(\d{1,5})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.group()
def probe() -> None:
    """Look at the prober, and at the pipeline through it. docs/probing.md explains verdicts and stages."""


@probe.command(
    epilog="""
\b
performate probe once
performate probe once --json | jq '{result, failed_stage, error_code, stage_ms}'
\b
Exit codes: 0 good, 1 failed, 2 could not run, 75 another one is under way.
"""
)
@json_option
def once(as_json: bool) -> None:
    """One probe now. Tells each stage in the log as it passes, or with --json its one line at the end."""
    if not as_json:
        raise SystemExit(_prober("--once"))
    done = subprocess.run(
        ["/usr/bin/env", "LOG_FORMAT=json", sys.executable, "-m", "prober", "--once"],
        stdout=subprocess.PIPE,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    ends = [line for line in lines if line["event"] in ENDS]
    # where it could not run, what it said instead
    tell_json(ends[-1] if ends else lines[-1] if lines else {})
    raise SystemExit(done.returncode)


@probe.command(
    epilog=f"""
\b
performate probe watch
{EXIT_CODES}"""
)
def watch() -> None:
    """The last probes, and the stages of the present one as they pass. Ctrl-C ends it."""
    raise SystemExit(_prober("--watch"))


@probe.command(
    epilog=f"""
\b
performate probe quiet 45m
performate probe quiet off --json
{EXIT_CODES}"""
)
@click.argument("span", metavar="SPAN|off")
@json_option
def quiet(span: str, as_json: bool) -> None:
    """No alarm for SPAN (45m, 2h, 1d): probes go on, verdicts are kept; `off` ends it.

    What is still down when the time is over is told then.
    """
    until = None if span == "off" else time.time() + seconds_of(span)
    try:
        asyncio.run(_set(load_settings(), until))
    except Failure as failure:
        click.echo(f"{failure}", err=True)
        raise SystemExit(1) from None
    if as_json:
        tell_json({"quiet_until": None if until is None else rfc3339(datetime.fromtimestamp(until, UTC))})
        return
    click.echo("alarms are on" if until is None else f"no alarm until {datetime.fromtimestamp(until, UTC):%F %T} UTC")


def seconds_of(span: str) -> int:
    """Raises click.BadParameter for what is no span of time."""
    match = _SPAN.fullmatch(span)
    if match is None:
        raise click.BadParameter("a number and s, m, h or d, such as 45m; or off", param_hint="SPAN")
    return int(match[1]) * _SECONDS[match[2]]


async def _set(settings: Settings, until: float | None) -> None:
    async with open_clients(settings) as clients:
        await set_quiet(DynamoVerdicts(clients.dynamodb, settings.table), until)


async def set_quiet(verdicts: Verdicts, until: float | None) -> None:
    """`until`: epoch seconds. Raises Failure(STORE_UNAVAILABLE)."""
    for _ in range(TRIES):
        seen = await verdicts.board()
        wanted = (seen or Board()).model_copy(update={"quiet_until": until})
        if await verdicts.swap(seen=seen, wanted=wanted) is not None:
            return
    raise Failure(ErrorCode.STORE_UNAVAILABLE, "the board is written by too many")


def _prober(option: str) -> int:
    """Ctrl-C reaches the child as well: it ends, and so do we."""
    child = subprocess.Popen([sys.executable, "-m", "prober", option])
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue
