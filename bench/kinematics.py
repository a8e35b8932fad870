"""The analyzer against plain decoding: seconds of work per second of video, in turns, and the peak of memory.

    python -m bench.kinematics [CLIP] [--rounds 5] [--json out.json]

Without CLIP a drawn climber is measured (1080 x 1920, 20 s). Both sides open the file and decode every picture; the
analyzer also samples, follows the camera, looks for people, runs the pose model and writes frames. Interpreter start,
imports and the loading of the model's file are inside the memory figure and outside the clock, save the model. The
ratio is of medians and hardly depends on the machine's speed; the seconds do.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av

from consumer.kinematics.analyze import measure
from consumer.media.probe import probe
from core.pose_weights import DEFAULT_FOLDER, missing
from core.result import Measurement, Sport
from tests.figure import Climber, drawn_climber

MIB = 1024


def decoded(path: Path) -> float:
    """Seconds that PyAV takes to decode every picture, two threads as the analyzer has."""
    start = time.perf_counter()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 2
        stream.codec_context.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass
    return time.perf_counter() - start


def analysed(path: Path, out: Path) -> tuple[float, Measurement]:
    """Seconds that the analyzer takes, and what it found."""
    facts = probe(path)
    start = time.perf_counter()
    found = measure(path, facts, Sport.BOULDERING, out=out, weights=DEFAULT_FOLDER, progress=lambda share: None)
    return time.perf_counter() - start, found


def peak_mib(path: Path, out: Path) -> float:
    """Peak resident memory of a process of its own that measures the clip once."""
    command = [sys.executable, "-m", "bench.kinematics", "--once", str(path), "--out", str(out)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return float(done.stdout)


def figures(path: Path, rounds: int, out: Path) -> dict[str, float]:
    plain, full = [], []
    for _ in range(rounds):
        plain.append(decoded(path))
        seconds, found = analysed(path, out)
        full.append(seconds)
        assert found.quality.method == "pose", "the clip must be one that can be measured"
    length = found.video.duration_s
    return {
        "video_s": length,
        "decode_s_per_s": statistics.median(plain) / length,
        "analyze_s_per_s": statistics.median(full) / length,
        "ratio": statistics.median(full) / statistics.median(plain),
        "peak_mib": peak_mib(path, out),
        "pose_rate": found.quality.pose_rate,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path, nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if missing(DEFAULT_FOLDER):
        sys.exit("no pose weights: run `python -m ops.weights` first")
    if options.once:
        analysed(options.clip, options.out)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB)
        return
    with tempfile.TemporaryDirectory() as folder:
        clip = options.clip or Path(folder) / "climb.mp4"
        if options.clip is None:
            drawn_climber(clip, Climber(size=(1080, 1920), seconds=20.0, moves=9))
        found = figures(clip, options.rounds, Path(folder))
    print(f"{clip.name}, {options.rounds} rounds, medians")
    for name, value in found.items():
        print(f"{name:>18} {value:8.3f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
