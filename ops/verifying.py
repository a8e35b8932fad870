"""`performate verify URL`: the smoke test after a deploy."""

import subprocess
import sys

import click

from ops.console import INTERRUPTED, json_option

ABOUT = """
\b
Exit codes: 0 all is well (warnings may be there), 1 something is not, 2 wrong options, 130 stopped by Ctrl-C.

\b
performate verify https://performate.example
performate verify https://performate.example --expect-version 1.4.0
ADMIN_TOKEN=… performate verify https://performate.example --json | jq .stage_ms

\b
Needs the address and nothing else. With ADMIN_TOKEN in the environment the clip is removed again; without it, it
goes when its time is over. Its requests are marked as synthetic, and count in no figure of users.
"""


@click.command(epilog=ABOUT)
@click.argument("url")
@click.option("--limit", type=click.FloatRange(min=1), default=120.0, show_default=True, help="Seconds for the clip.")
@click.option("--expect-version", metavar="V", help="The version that must be running.")
@click.option("--admin-token", envvar="ADMIN_TOKEN", show_envvar=True, help="Better given in the environment.")
@json_option
def verify(url: str, limit: float, expect_version: str | None, admin_token: str | None, as_json: bool) -> None:
    """Verify the deployment at URL: what a browser asks, then a fresh clip with a known answer; prints its figures."""
    if not url.startswith(("http://", "https://")):
        raise click.BadParameter("an address begins with https://", param_hint="URL")
    argv = [sys.executable, "-m", "prober", "verify", url, "--limit", str(limit)]
    argv += ["--expect-version", expect_version] if expect_version else []
    argv += ["--json"] if as_json else []
    # not as an argument: those of a process can be seen by everybody on the machine
    argv += ["--token-on-stdin"] if admin_token else []
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, text=True)
    try:
        child.communicate(f"{admin_token or ''}\n")
    except KeyboardInterrupt:
        child.wait()
        raise SystemExit(INTERRUPTED) from None
    raise SystemExit(child.returncode)
