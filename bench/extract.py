"""Exact pictures out of a clip: ours against what else there is, in turns, each picture proven by its barcode.

    python -m bench.extract [--rounds 5] [--only CLIP ...] [--methods NAME ...] [--json out.json]

Every round draws its own pictures, the same for all; every measurement is a process of its own, and its clock starts
when its imports are done. Ratios are of medians. decord2 and torchcodec get environments of their own under .data/bench
at the first run (gigabytes); what cannot be installed or run is left out, with its error. Absolute times depend on the
machine; CPU seconds (of all threads) depend less on what else runs on it.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.extraction.clips import CLIPS, BenchClip, made
from bench.extraction.worker import METHODS
from tests.clips import barcode_in

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".data" / "bench"
WORKER = ROOT / "bench" / "extraction" / "worker.py"
PEERS = {
    "decord2": ("decord2", "opencv-python-headless"),
    "torchcodec": ("torch", "torchcodec", "opencv-python-headless"),
}
COUNTS = (5, 50)
SHOWN_ERROR = 200


@dataclass(kw_only=True)
class Runs:
    """Of one method on one clip with so many pictures. `wrong` counts pictures that are not those asked for."""

    ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    asked: int = 0
    wrong: int = 0
    error: str = ""


def python_of(method: str) -> str:
    """The interpreter of a method. Raises CalledProcessError when its packages cannot be had."""
    if method not in PEERS:
        return sys.executable
    home = HOME / method
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *PEERS[method]]
        subprocess.run(install, check=True, capture_output=True, text=True)
        (home / "ready").touch()
    return str(python)


def drawn(rng: random.Random, pictures: int, count: int) -> list[int]:
    """One picture from each of `count` equal parts of the clip, anywhere in it: nobody may be lucky."""
    part = pictures // count
    return [rng.randrange(number * part, (number + 1) * part) for number in range(count)]


def measured(python: str, method: str, path: Path, clip: BenchClip, wanted: list[int], runs: Runs) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, str(WORKER), method, str(path), folder],
            input=json.dumps({"index": wanted, "t": [clip.times[index] for index in wanted], "size": clip.size}),
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(ROOT),
                "OPENBLAS_NUM_THREADS": "1",
                "MALLOC_ARENA_MAX": "2",
            },
        )
        if done.returncode:
            runs.error = done.stderr.strip()[-SHOWN_ERROR:]
            return
        figures = json.loads(done.stdout.splitlines()[-1])
        runs.ms.append(figures["ms"])
        runs.cpu_ms.append(figures["cpu_ms"])
        runs.rss_mb.append(figures["rss_mb"])
        runs.asked += len(wanted)
        runs.wrong += sum(not _is(Path(folder) / f"{at:02d}.jpg", index) for at, index in enumerate(wanted))


def _is(path: Path, index: int) -> bool:
    try:
        return barcode_in(path) == index
    except ValueError:
        return False


def bench(clip: BenchClip, pythons: dict[str, str], rounds: int) -> dict[int, dict[str, Runs]]:
    path = made(clip, HOME / "clips")
    found = {count: {method: Runs() for method in pythons} for count in COUNTS}
    rng = random.Random(7)
    for _ in range(rounds):
        for count, runs in found.items():
            wanted = drawn(rng, len(clip.times), count)
            for method, python in pythons.items():
                if not runs[method].error:
                    measured(python, method, path, clip, wanted, runs[method])
    return found


def table(clip: BenchClip, count: int, runs: dict[str, Runs]) -> str:
    """Ratios to ours, wall and CPU: over 1 is slower than we are."""
    own, own_cpu = statistics.median(runs["ours"].ms), statistics.median(runs["ours"].cpu_ms)
    head = "| method | ms | x ours | CPU ms | x ours | right | peak MB |"
    rows = [f"{clip.about}: {count} pictures", "", head, "|---|---|---|---|---|---|---|"]
    for method, one in runs.items():
        if one.error:
            rows.append(f"| {method} | left out: {one.error.splitlines()[-1]} | | | | | |")
            continue
        ms, cpu = statistics.median(one.ms), statistics.median(one.cpu_ms)
        right = f"{one.asked - one.wrong}/{one.asked}"
        times = f"{ms:.0f} | {ms / own:.2f} | {cpu:.0f} | {cpu / own_cpu:.2f}"
        rows.append(f"| {method} | {times} | {right} | {max(one.rss_mb):.0f} |")
    return "\n".join(rows) + "\n"


def environments(wished: Sequence[str]) -> dict[str, str]:
    pythons = {}
    for method in wished:
        try:
            if method == "ffmpeg" and shutil.which("ffmpeg") is None:
                raise FileNotFoundError("no ffmpeg on this machine")
            pythons[method] = python_of(method)
        except (OSError, subprocess.CalledProcessError) as error:
            told = getattr(error, "stderr", None) or str(error)
            print(f"{method} is left out: {told.strip()[-SHOWN_ERROR:]}\n")
    return pythons


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=[clip.name for clip in CLIPS], help="default: every clip")
    parser.add_argument("--methods", nargs="*", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(argv)
    (HOME / "clips").mkdir(parents=True, exist_ok=True)
    pythons = environments(options.methods)
    figures = {}
    for clip in CLIPS:
        if options.only and clip.name not in options.only:
            continue
        found = bench(clip, pythons, options.rounds)
        for count, runs in found.items():
            print(table(clip, count, runs), flush=True)
            figures[f"{clip.name} {count}"] = {method: vars(one) for method, one in runs.items()}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
