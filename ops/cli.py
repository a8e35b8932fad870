"""`performate`: the operator's command line."""

import signal
import subprocess
import sys
from pathlib import Path

import click

from core.result import Sport
from ops.console import CONTEXT, EXIT_CODES
from ops.dlq import dlq
from ops.doctor import doctor
from ops.explaining import errors
from ops.probing import probe
from ops.provisioning import provision_command
from ops.reporting import report
from ops.retry import retry
from ops.show import show
from ops.verifying import verify


@click.group(epilog=EXIT_CODES, context_settings=CONTEXT)
@click.version_option(package_name="performate")
def main() -> None:
    """Look after a Performate installation, or analyze a clip on this machine."""


main.add_command(doctor)
main.add_command(dlq)
main.add_command(errors)
main.add_command(probe)
main.add_command(provision_command)
main.add_command(report)
main.add_command(retry)
main.add_command(show)
main.add_command(verify)


@main.command(epilog=EXIT_CODES)
@click.argument("clip", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--sport",
    type=click.Choice([sport.value for sport in Sport]),
    default=Sport.BOULDERING.value,
    show_default=True,
    help="What the clip shows; height, placements and rests are measured for climbs only.",
)
@click.option(
    "--video",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the clip with the hip line drawn on. Decoded without a sandbox: for clips of your own.",
)
@click.option(
    "--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the height over time as a PNG picture."
)
@click.option(
    "--frames", type=click.Path(file_okay=False, path_type=Path), help="Keep the frames (JPEG) in this folder."
)
@click.option(
    "--weights",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the pose weights.  [default: .data/weights]",
)
@click.option(
    "--pose-model",
    type=click.Choice(["full", "lite"]),
    default="full",
    show_default=True,
    help="lite is quicker, and less sure of hands and feet.",
)
@click.option("--vision", is_flag=True, help="Send the chosen frames to the vision model; says first what that costs.")
@click.option("--estimate", is_flag=True, help="With --vision: only say what it would cost; no key is needed.")
@click.option("--language", type=click.Choice(["en", "de"]), default="en", show_default=True, help="The model's.")
def analyze(  # one argument an option
    clip: Path, sport: str, pose_model: str, language: str, *, vision: bool, estimate: bool, **paths: Path | None
) -> None:
    """Measure CLIP on this machine: no upload, no key, no AWS. Nothing leaves it without --vision.

    The measurement goes to stdout as JSON, progress to stderr.

    \b
    performate analyze climb.mp4 > climb.json
    performate analyze climb.mp4 --vision --estimate > climb.json
    performate analyze climb.mp4 --video drawn.mp4 --plot height.png --frames frames/ | jq .metrics
    """
    given = [text for name, path in paths.items() if path is not None for text in (f"--{name}", str(path))]
    argv = [sys.executable, "-m", "consumer", "file", "--sport", sport, "--pose-model", pose_model, *given]
    argv += ["--language", language, *(["--vision"] if vision else []), *(["--estimate"] if estimate else [])]
    argv += ["--", str(clip)]
    raise SystemExit(_run(argv))


def _run(argv: list[str]) -> int:
    """The exit code of a child that shares our terminal: Ctrl-C reaches it too, so we only wait for its end."""
    ours = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = subprocess.run(argv, check=False, restore_signals=True).returncode
    finally:
        signal.signal(signal.SIGINT, ours)
    return 128 - code if code < 0 else code
