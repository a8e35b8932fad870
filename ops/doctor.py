"""`performate doctor`: everything this installation stands on, looked at, with what to do about each thing."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime

import click

from core.aws.clients import open_clients
from core.settings import Settings, load_settings
from ops.checkup import cloud, configuration, machine, model
from ops.checkup.finding import Finding, Look, within, worst
from ops.console import FAILED, finish, json_option, say

LIMITS_S: Mapping[str, float] = {"decoder": machine.ANALYSIS_S}
CHECKS = (
    "settings",
    "credentials",
    "access",
    "setup",
    "presigned",
    "preflight",
    "messages",
    "prober",
    "model",
    "weights",
    "decoder",
    "scratch",
    "user",
)
"""In the order in which they are told: what stands first explains what comes after it."""

ABOUT = """
\b
Exit codes: 0 nothing failed (warnings may be there), 1 something failed, 2 wrong options or settings.

\b
performate doctor                            all of it, about five seconds
performate doctor --only decoder --only scratch
performate doctor --json | jq -r '.[] | select(.level == "fail") | .advice'

\b
Nothing is changed by looking. It sees what this shell's settings see: run it where the process runs that is ill.
The checks: {checks}.
""".format(checks=", ".join(CHECKS))


@click.command(epilog=ABOUT)
@click.option("--only", multiple=True, type=click.Choice(CHECKS), help="Only this check; may be given several times.")
@json_option
def doctor(only: tuple[str, ...], as_json: bool) -> None:
    """Look at settings, AWS, weights, decoder, scratch and clock, and say what to do.

    Each line is ok, warn or fail.
    """
    settings = load_settings()
    findings = finish(examine(settings, only or CHECKS))
    if as_json:
        click.echo(json.dumps([asdict(one) for one in findings], indent=2))
    else:
        click.echo(page(findings))
    counts = Counter(one.level for one in findings)
    say(", ".join(f"{counts[level]} {level}" for level in ("ok", "warn", "fail")))
    if worst(findings) == "fail":
        raise SystemExit(FAILED)


async def examine(settings: Settings, wanted: Sequence[str]) -> Sequence[Finding]:
    """Side by side: a check that waits for a time-out keeps no other one waiting."""
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(open_clients(settings))
        now = datetime.now(UTC)
        looks: Mapping[str, Look] = {
            "settings": lambda: configuration.of_settings(settings),
            "credentials": lambda: cloud.of_credentials(settings),
            "access": lambda: cloud.of_access(clients, settings, now),
            "setup": lambda: cloud.of_setup(clients, settings),
            "presigned": lambda: cloud.of_signature(clients, settings),
            "preflight": lambda: cloud.of_preflight(clients, settings),
            "messages": lambda: cloud.of_dead_letters(clients, settings),
            "prober": lambda: cloud.of_prober(clients, settings, now),
            "model": lambda: model.of_model(settings),
            "weights": lambda: machine.of_weights(settings),
            "decoder": lambda: machine.of_decoder(settings),
            "scratch": lambda: machine.of_scratch(settings),
            "user": machine.of_user,
        }
        names = [name for name in CHECKS if name in wanted]
        lots = await asyncio.gather(*(within(name, looks[name], limit_s=LIMITS_S.get(name, 20.0)) for name in names))
    return [finding for lot in lots for finding in lot]


def page(findings: Sequence[Finding]) -> str:
    """A line a finding, what to do on the line below it."""
    width = max((len(one.check) for one in findings), default=0)
    lines: list[str] = []
    for one in findings:
        lines.append(f"{one.level:<4}  {one.check:<{width}}  {one.told}")
        if one.advice:
            lines.append(f"{'':<4}  {'':<{width}}  -> {one.advice}")
    return "\n".join(lines)
