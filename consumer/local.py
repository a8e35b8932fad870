"""`python -m consumer file CLIP`: analyse a file on this machine; nothing leaves it and no AWS is needed.

The Measurement goes to stdout as JSON, progress to stderr. Exit codes: 0 measured, 1 a Failure (one line with its
code on stderr), 2 wrong arguments, 130 stopped with Ctrl-C.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from consumer.kinematics.drawing import draw_video
from consumer.kinematics.plot import draw_plot
from consumer.media.facts import Probe
from consumer.sandbox.pool import open_sandbox
from core.failure import Failure
from core.pose_weights import DEFAULT_FOLDER, model_path, refuse_missing
from core.result import Measurement, Sport

PROBE_LIMIT_S: Final = 60.0
# nobody waits in a queue behind a file of one's own: ten minutes of video on a slow machine
MEASURE_LIMIT_S: Final = 3600.0


def main(argv: Sequence[str]) -> int:
    """Run the command with its arguments (without the program's name)."""
    options = _options(argv)
    if not options.clip.is_file():
        say(f"no such file: {options.clip}")
        return 1
    try:
        refuse_missing(options.weights, options.pose_model)
        measured = run(options)
    except Failure as failure:
        say(f"{failure.code}: {failure.detail}" if failure.detail else str(failure.code))
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130
    sys.stdout.write(measured.model_dump_json(indent=2) + "\n")
    return 0


def run(options: argparse.Namespace) -> Measurement:
    """Probe and measure in a child process, then draw if asked; raises Failure."""
    with tempfile.TemporaryDirectory(prefix="performate-") as scratch:
        out = options.frames or Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        weights = model_path(options.weights.absolute(), options.pose_model)
        facts, measured = asyncio.run(
            examine(options.clip.absolute(), options.sport, out=out.absolute(), weights=weights)
        )
    if options.video is not None:
        draw_video(options.clip, facts, measured, options.video, teller("draw"))
    if options.plot is not None:
        draw_plot(measured, options.plot)
    return measured


async def examine(clip: Path, sport: Sport, *, out: Path, weights: Path) -> tuple[Probe, Measurement]:
    """The clip's facts and its measurement, both from a child process; the kept frames lie in `out`.

    `weights` is the landmark model's file. All paths absolute: the child's working directory is not ours.
    """
    tell = teller("measure")
    async with open_sandbox(weights.parent) as box:
        facts = await box.probe(clip, limit_s=PROBE_LIMIT_S)
        measured = await box.measure(
            clip,
            facts,
            sport,
            out=out,
            weights=weights,
            limit_s=MEASURE_LIMIT_S,
            on_progress=lambda progress: tell(progress.share),
        )
    tell(1.0)
    return facts, measured


def teller(stage: str) -> Callable[[float], None]:
    """A progress listener that writes a line to stderr at each whole tenth."""
    told = -1

    def tell(share: float) -> None:
        nonlocal told
        tenth = int(share * 10)
        if tenth > told:
            told = tenth
            say(f"{stage} {tenth * 10} %")

    return tell


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m consumer file", description="Analyse a clip on this machine.")
    parser.add_argument("clip", type=Path, metavar="CLIP")
    parser.add_argument(
        "--sport", type=Sport, choices=list(Sport), default=Sport.BOULDERING, help="default: bouldering"
    )
    parser.add_argument("--video", type=Path, metavar="OUT.mp4", help="also write the clip with the hip line drawn on")
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="also draw the height over time")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="keep the chosen frames here")
    parser.add_argument("--weights", type=Path, metavar="DIR", default=DEFAULT_FOLDER, help="default: %(default)s")
    parser.add_argument("--pose-model", choices=["full", "lite"], default="full", help="default: %(default)s")
    return parser.parse_args(argv)
