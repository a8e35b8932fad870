"""`performate provision`: what the settings name is made, or said what would be; and who needs which rights."""

from collections.abc import Sequence

import click

from core.aws.clients import open_clients
from core.aws.errors import failing_as
from core.error_codes import ErrorCode
from core.failure import Failure
from core.settings import Settings, load_settings
from ops.console import DIFFERENT, finish, json_option, say, tell_json
from ops.drift.difference import Difference
from ops.drift.queues import attributes_of
from ops.drift.whole import drift
from ops.iam import ACCOUNT, NAMES, policy
from ops.provision import provision

ABOUT = """
\b
Exit codes: 0 done (with --plan: nothing would change), 1 it failed (the last line on stderr says why),
2 wrong options or settings, 4 with --plan: something would change, 130 stopped by Ctrl-C.

\b
performate provision --plan             what would be made or changed; nothing is
performate provision                    makes it
performate provision --iam web          the rights that the web service needs, and no more
performate provision --iam consumer --account 123456789012 > consumer.json
"""


@click.command("provision", epilog=ABOUT)
@click.option("--plan", is_flag=True, help="Only say what would be made or changed.")
@click.option("--iam", type=click.Choice(NAMES), help="Print the IAM policy of this part, and do nothing.")
@click.option("--account", metavar="ID", help="AWS account of the policy's queues and table.  [default: looked up]")
@json_option
def provision_command(plan: bool, iam: str | None, account: str | None, as_json: bool) -> None:
    """Make bucket, queues and table as the settings name them, or bring them to what they should be.

    Safe to run again; nothing is ever deleted. Reads the settings from the environment (BUCKET, AWS_REGION, …; see
    README.md). The operator's policy is what this command itself needs; consumer is for ingest and worker.
    """
    settings = load_settings()
    if iam is not None:
        _print_policy(iam, settings, account)
    elif plan:
        _tell(finish(_drift(settings)), as_json=as_json)
    else:
        lines = finish(provision(settings))
        if as_json:
            tell_json(list(lines))
        else:
            click.echo("\n".join(lines))


def _tell(found: Sequence[Difference], *, as_json: bool) -> None:
    if as_json:
        tell_json([{"what": one.what, "found": one.found, "wanted": one.wanted} for one in found])
    else:
        for one in found:
            click.echo(str(one))
    say(f"{len(found)} would change" if found else "all is as it should be")
    if found:
        raise SystemExit(DIFFERENT)


def _print_policy(name: str, settings: Settings, account: str | None) -> None:
    known = account or finish(_account(settings))
    if known is None:
        say(f"no ingest queue is there yet to tell the account: put yours in the place of {ACCOUNT}, or --account ID")
    tell_json(policy(name, settings, account=known))


async def _drift(settings: Settings) -> Sequence[Difference]:
    async with open_clients(settings) as clients:
        return await drift(clients, settings)


async def _account(settings: Settings) -> str | None:
    """From the ingest queue's ARN. None without a queue, or where nobody can be asked: a policy is needed first."""
    try:
        async with open_clients(settings) as clients:
            with failing_as(ErrorCode.QUEUE_UNAVAILABLE):
                found = await attributes_of(clients, settings.ingest_queue)
    except Failure:
        return None
    return None if found is None else str(found["QueueArn"]).split(":")[4]
