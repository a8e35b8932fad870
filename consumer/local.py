"""`python -m consumer file CLIP`: analyse a file on this machine; nothing leaves it unless asked to, no AWS is needed.

With --vision the chosen frames go to the vision model, after a line on stderr that says what that will cost; with
--estimate besides, that line is all. The Measurement goes to stdout as JSON, with --vision beside the model's block,
progress to stderr. Exit codes: 0 measured, 1 a Failure (one line with its code on stderr), 2 wrong arguments or
settings, 130 stopped with Ctrl-C.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from consumer.kinematics.drawing import draw_video
from consumer.kinematics.plot import draw_plot
from consumer.media.facts import Probe
from consumer.sandbox.pool import open_sandbox
from consumer.sandbox.process import Sandbox
from consumer.vision.by_hand import asked_of, described, estimated
from consumer.vision.describe import Described
from core.failure import Failure
from core.pose_weights import DEFAULT_FOLDER, model_path, refuse_missing
from core.result import Measurement, ModelBlock, Sport
from core.settings import load_local_settings

Ask = Callable[[Path, Probe, Measurement, Sandbox], Awaitable[Described]]

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
        measured, model = run(options)
    except Failure as failure:
        say(f"{failure.code}: {failure.detail}" if failure.detail else str(failure.code))
        return 1
    except KeyboardInterrupt:
        say("stopped")
        return 130
    sys.stdout.write(as_json(measured, model, with_model=options.vision) + "\n")
    return 0


def as_json(measured: Measurement, model: ModelBlock | None, *, with_model: bool) -> str:
    """The measurement's blocks, and beside them the model's where it was asked."""
    if not with_model:
        return measured.model_dump_json(indent=2)
    blocks = measured.model_dump(mode="json")
    return json.dumps({**blocks, "model": model and model.model_dump(mode="json")}, indent=2, ensure_ascii=False)


def run(options: argparse.Namespace) -> tuple[Measurement, ModelBlock | None]:
    """Probe and measure in a child process, then draw if asked; raises Failure."""
    with tempfile.TemporaryDirectory(prefix="performate-") as scratch:
        out = options.frames or Path(scratch)
        out.mkdir(parents=True, exist_ok=True)
        weights = model_path(options.weights.absolute(), options.pose_model)
        ask = asker(options, Path(scratch).absolute()) if options.vision else None
        facts, measured, model = asyncio.run(
            examine(options.clip.absolute(), options.sport, out=out.absolute(), weights=weights, ask=ask)
        )
    if options.video is not None:
        draw_video(options.clip, facts, measured, options.video, teller("draw"))
    if options.plot is not None:
        draw_plot(measured, options.plot)
    return measured, model


def asker(options: argparse.Namespace, scratch: Path) -> Ask:
    """What is done with the measurement while its decoder is still there. Raises SystemExit(2) for wrong settings."""
    settings = load_local_settings()
    if not (settings.vision_on or options.estimate):
        say("--vision needs OPENAI_API_KEY or OPENAI_BASE_URL; --estimate needs neither")
        raise SystemExit(2)

    async def ask(clip: Path, facts: Probe, measured: Measurement, box: Sandbox) -> Described:
        first, second = scratch / "estimated", scratch / "shown"
        first.mkdir()
        second.mkdir()
        asked = asked_of(clip, facts, measured, box, sport=options.sport, language=options.language, out=first)
        told = await estimated(asked, settings)
        price = "a price that VISION_PRICES does not know" if told.usd is None else f"about {told.usd:.4f} USD"
        say(
            f"{settings.vision_model}: {told.pictures} pictures, about {told.input_tokens} tokens in "
            f"and {told.output_tokens} out, {price}"
        )
        if options.estimate:
            return Described(measured=measured, block=None)
        return await described(replace(asked, out=second), settings)

    return ask


async def examine(
    clip: Path, sport: Sport, *, out: Path, weights: Path, ask: Ask | None = None
) -> tuple[Probe, Measurement, ModelBlock | None]:
    """The clip's facts and its measurement, both from a child process; the kept frames lie in `out`. `ask` may add
    what a model says.

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
        said = Described(measured=measured, block=None) if ask is None else await ask(clip, facts, measured, box)
    return facts, said.measured, said.block


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
    drawn = "also write the clip with the hip line drawn on; decoded without a sandbox: for clips of your own"
    parser.add_argument("--video", type=Path, metavar="OUT.mp4", help=drawn)
    parser.add_argument("--plot", type=Path, metavar="OUT.png", help="also draw the height over time")
    parser.add_argument("--frames", type=Path, metavar="DIR", help="keep the chosen frames here")
    parser.add_argument("--vision", action="store_true", help="send the chosen frames to the vision model")
    parser.add_argument("--estimate", action="store_true", help="with --vision: only say what that would cost")
    parser.add_argument("--language", choices=["en", "de"], default="en", help="the model's; default: en")
    parser.add_argument("--weights", type=Path, metavar="DIR", default=DEFAULT_FOLDER, help="default: %(default)s")
    parser.add_argument("--pose-model", choices=["full", "lite"], default="full", help="default: %(default)s")
    options = parser.parse_args(argv)
    if options.estimate and not options.vision:
        parser.error("--estimate goes with --vision")
    return options
