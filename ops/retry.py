"""`performate retry ID`: a failed analysis again, without the service."""

from dataclasses import asdict

import click

from core.aws.clients import open_clients
from core.aws.objects import S3Objects
from core.settings import Settings, load_settings
from ops.console import FAILED, REFUSED, fail, finish, json_option, say, tell_json
from ops.dead_letters.work import BreakerIsOpen
from ops.dlq import open_place
from ops.retrying import Tried, try_again
from ops.show import checked

ABOUT = """
\b
Exit codes: 0 it is queued again (or would be), 1 there is no such analysis or AWS did not answer,
2 wrong options or settings, 3 refused: it is not failed, its clip is gone, or the breaker is open; 130 Ctrl-C.

\b
performate retry 0f8fad5b-d9cb-469f-a165-70867728950e
performate retry ID --dry-run
performate dlq redrive --queue analysis --reason RETRIES_EXHAUSTED     many at once
"""


@click.command(epilog=ABOUT)
@click.argument("analysis_id", metavar="ID")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@json_option
def retry(analysis_id: str, dry_run: bool, as_json: bool) -> None:
    """Try a failed analysis again: its record is reopened (the user sees it move) and its message is sent anew.

    Dead letters of it are removed, since the new message takes their place. Safe to repeat.
    """
    checked(analysis_id)
    try:
        tried = finish(_try(load_settings(), analysis_id, dry_run=dry_run))
    except BreakerIsOpen as reason:
        fail(f"refused: {reason}", REFUSED)
    if as_json:
        tell_json({"analysis_id": analysis_id, **asdict(tried)})
    else:
        click.echo(sentence(analysis_id, tried))
    if tried.did in ("not_found", "refused"):
        say(f"{'ANALYSIS_NOT_FOUND' if tried.did == 'not_found' else 'NOT_RETRYABLE'}: {tried.why}")
        raise SystemExit(FAILED if tried.did == "not_found" else REFUSED)


def sentence(analysis_id: str, tried: Tried) -> str:
    letters = f", {tried.letters} of its dead letters removed" if tried.letters else ""
    match tried.did:
        case "queued":
            return f"queued     {analysis_id}  epoch {tried.epoch}{letters}"
        case "would_queue":
            return f"would queue  {analysis_id}  epoch {tried.epoch}, {tried.letters} dead letters"
        case _:
            return f"{tried.did.replace('_', ' ')}  {analysis_id}"


async def _try(settings: Settings, analysis_id: str, *, dry_run: bool) -> Tried:
    async with open_place(settings) as place, open_clients(settings) as clients:
        return await try_again(place, S3Objects(clients.s3, settings.bucket), analysis_id, dry_run=dry_run)
