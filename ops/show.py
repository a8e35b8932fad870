"""`performate show ID`: everything about one analysis, and where it is stuck."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from core.aws.clients import open_clients
from core.aws.objects import S3Objects
from core.messages import is_analysis_id
from core.settings import Settings, load_settings
from ops.console import fail, finish, json_option, tell_json
from ops.dlq import open_place
from ops.report.lines import read_lines
from ops.story.diagnosis import diagnose
from ops.story.evidence import Evidence, gather
from ops.story.showing import full, page
from ops.story.timeline import Moment, in_order, of_evidence, of_log

ABOUT = """
\b
Exit codes: 0 shown, 1 there is no such analysis, or AWS did not answer (the last line on stderr says which),
2 wrong options or settings, 130 stopped by Ctrl-C.

\b
performate show 0f8fad5b-d9cb-469f-a165-70867728950e
performate show ID --log web.log --log worker.log.gz     the log's lines in the timeline as well
render logs ... | performate show ID --log - --json | jq .diagnosis

\b
To look for its dead letters SQS has to hand them out, and counts that as a receive: --no-letters leaves them alone.
"""


@click.command(epilog=ABOUT)
@click.argument("analysis_id", metavar="ID")
@click.option("--log", "logs", multiple=True, metavar="FILE", help="Log lines, plain or gzip; - is stdin.")
@click.option("--letters/--no-letters", default=True, show_default=True, help="Look for dead letters of it.")
@json_option
def show(analysis_id: str, logs: tuple[str, ...], letters: bool, as_json: bool) -> None:
    """Show all that is known about an analysis: record, clip, messages, timeline, where it is stuck and what to do."""
    checked(analysis_id)
    settings = load_settings()
    seen = finish(look(settings, analysis_id, letters=letters))
    if seen is None:
        fail(f"ANALYSIS_NOT_FOUND: there is no record of {analysis_id} in {settings.table}")
    moments = in_order([*of_evidence(seen), *_of_logs(logs, analysis_id)])
    found = diagnose(seen, settings)
    if as_json:
        tell_json(full(seen, found, moments))
    else:
        click.echo(page(seen, found, moments))


def checked(analysis_id: str) -> None:
    """Raises BadParameter for what cannot be an id."""
    if not is_analysis_id(analysis_id):
        raise click.BadParameter("an analysis id is 36 characters: 0f8fad5b-d9cb-…", param_hint="ID")


async def look(settings: Settings, analysis_id: str, *, letters: bool) -> Evidence | None:
    async with open_place(settings) as place, open_clients(settings) as clients:
        return await gather(place, S3Objects(clients.s3, settings.bucket), analysis_id, letters=letters)


def _of_logs(names: Sequence[str], analysis_id: str) -> Iterator[Moment]:
    for name in names:
        with read_lines(None if name == "-" else Path(name), stdin=sys.stdin.buffer) as lines:
            yield from of_log((line.decode(errors="replace") for line in lines), analysis_id)
