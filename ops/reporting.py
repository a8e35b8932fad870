"""`performate report`: what the logs say about a time."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import click

from ops.console import FAILED, INTERRUPTED, fail, say
from ops.report import html, text
from ops.report.figures import figures
from ops.report.lines import read_lines
from ops.report.sketch import ACCURACY
from ops.report.tally import Tally

ABOUT = f"""
\b
Exit codes: 0 reported, 1 a file could not be read (the last line on stderr says which),
2 wrong options, 130 stopped by Ctrl-C.

\b
performate report worker.log web.log.gz
kubectl logs -l app=performate --tail=-1 | performate report
performate report --format html --out today.html logs/*.gz
performate report --format json *.log | jq .users.analyses.success_rate

\b
Users' work counts; probes stand beside it. success rate: completed of all that ended. SLO: failures that are
the user's (a clip that is none) do not count. extraction success: extracted of downloaded. Each clip that was
downloaded must be cleaned up. p50 and p95 are right within {ACCURACY:.1%}. Needs no settings and no network.
"""
Format = Literal["table", "json", "html"]


@click.command(epilog=ABOUT)
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--format", "form", type=click.Choice(["table", "json", "html"]), default="table", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it there, not to stdout.")
def report(files: tuple[Path, ...], form: Format, as_json: bool, out: Path | None) -> None:
    """Count what log lines say: success rate, failures by code, stage times, downloads and clean-ups, cost.

    Reads FILEs, plain or gzip, or stdin.
    """
    tally = Tally()
    try:
        _read(tally, files or (Path("-"),))
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    found = figures(tally)
    told = written(found, "json" if as_json else form)
    if out is None:
        click.echo(told)
        return
    try:
        out.write_text(f"{told}\n", encoding="utf-8")
    except OSError as error:
        fail(f"{out}: {error.strerror}", FAILED)
    say(f"written to {out}")


def written(found: Mapping[str, object], form: Format) -> str:
    match form:
        case "json":
            return json.dumps(found, indent=2)
        case "html":
            return html.page(found)
        case "table":
            return text.page(found)


def _read(tally: Tally, files: Sequence[Path]) -> None:
    for path in files:
        try:
            with read_lines(None if str(path) == "-" else path, stdin=sys.stdin.buffer) as lines:
                tally.read(lines)
        except (OSError, EOFError) as error:
            fail(f"{path}: {getattr(error, 'strerror', None) or error}", FAILED)
