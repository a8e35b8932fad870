"""`performate errors [CODE]`: what an error code means, whose it is, and what the on-call does."""

import re
from pathlib import Path
from textwrap import fill
from typing import Any

import click

from core.error_codes import ErrorCode
from core.errors import Entry, catalogue
from ops.console import json_option, tell_json
from ops.dead_letters.showing import table

RUNBOOKS = Path(__file__).parent / "runbooks"
WIDTH = 110

ABOUT = """
\b
Exit codes: 0 shown, 2 there is no such code.

\b
performate errors SCRATCH_FULL
performate errors                      all of them, one a line
performate errors --json | jq -r '.[] | select(.owner == "operator") | .code'

\b
Needs no settings and no network.
"""


class Code(click.ParamType[ErrorCode]):
    name = "code"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> ErrorCode:
        wanted = value.strip().upper().replace("-", "_")
        if wanted not in ErrorCode.__members__:
            near = [code for code in ErrorCode if set(wanted.split("_")) & set(code.split("_"))]
            known = f"; did you mean {', '.join(near[:5])}?" if near else ""
            self.fail(f"there is no code {value}{known}", param, ctx)
        return ErrorCode(wanted)


@click.command(epilog=ABOUT)
@click.argument("code", type=Code(), required=False)
@json_option
def errors(code: ErrorCode | None, as_json: bool) -> None:
    """Explain an error code: what it means, who can mend it, what to do, and its runbook."""
    if code is not None:
        entry = catalogue()[code]
        if as_json:
            tell_json({**_plain(entry), "runbook_text": runbook(entry)})
        else:
            click.echo(page(entry))
    elif as_json:
        tell_json([_plain(entry) for entry in catalogue().values()])
    else:
        rows = [(e.code, str(e.http_status), e.stage, e.retryable, e.owner) for e in catalogue().values()]
        click.echo(table(rows, ("CODE", "STATUS", "STAGE", "AGAIN?", "WHOSE")))


def _plain(entry: Entry) -> dict[str, Any]:
    return entry.model_dump(mode="json")


def page(entry: Entry) -> str:
    facts = (
        f"found at {entry.stage}, HTTP {entry.http_status}, again: {entry.retryable}, whose: {entry.owner}, "
        f"counts against the SLO: {'yes' if entry.counts_against_slo else 'no'}"
    )
    parts = [
        f"{entry.code}: {entry.title.en}",
        fill(entry.detail.en, WIDTH),
        fill(facts, WIDTH),
        fill(f"Do: {entry.operator_action}", WIDTH),
    ]
    if entry.runbook:
        parts.append(f"Runbook: {entry.runbook}\n{runbook(entry) or ''}".rstrip())
    return "\n\n".join(parts)


def runbook(entry: Entry) -> str | None:
    """The section of the runbook that is about this code; None where there is none to be found."""
    name, _, anchor = entry.runbook.rpartition("/")[2].partition("#")
    path = RUNBOOKS / name
    if not name or not path.is_file():
        return None
    found = re.search(rf"^## {re.escape(anchor)}\s*$(.*?)(?=^## |\Z)", path.read_text(), re.M | re.S | re.I)
    return found[1].strip() if found else None
