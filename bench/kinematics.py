"""The analyzer against plain decoding, against pose on every frame, and against legacy mediapipe, in turns.

    python -m bench.kinematics [CLIP ...] [--rounds 3] [--legacy PYTHON] [--json out.json]

Without CLIP two drawn climbers are measured: 1080 x 1920 at 30 fps and 3840 x 2160 at 60 fps. Figures are seconds of
work per second of video, the least of all rounds (what else runs on the machine only adds), on the wall's clock and,
as `_cpu`, in seconds of processor, which hardly depend on what else runs; interpreter start and imports are outside.
`--legacy` names the Python of an environment with mediapipe 0.10.21 (default: .data/bench/mediapipe/bin/python);
without one, that side is left out, and it is said so. The same run serves as an oracle: how far hips and wrists of the
two are from each other, in torso lengths.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np

from bench.agreement import agreement
from consumer.kinematics.analyze import measure
from consumer.kinematics.pose_model import BlazePose
from consumer.kinematics.pose_search import PoseSearch
from consumer.media.decode import sample
from consumer.media.probe import probe
from core.pose_weights import DEFAULT_FOLDER, missing
from core.result import Sport
from tests.clips import H264_B, Image, write_clip
from tests.figure import Climber, drawn_climber
from tests.memory import peak_bytes

MIB = 1024 * 1024
LEGACY = Path(".data/bench/mediapipe/bin/python")
EVERY_PICTURE_HZ = 1000.0


def decoded(path: Path) -> None:
    """PyAV decodes every picture, with two threads as the analyzer has."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 2
        stream.codec_context.thread_type = "AUTO"
        for _ in container.decode(stream):
            pass


def analysed(path: Path) -> None:
    """The analyzer, probe and the writing of frames included."""
    with tempfile.TemporaryDirectory() as out:
        found = measure(
            path, probe(path), Sport.BOULDERING, out=Path(out), weights=DEFAULT_FOLDER, progress=lambda share: None
        )
    assert found.quality.method == "pose", "the clip must be one that can be measured"


def posed(path: Path) -> None:
    """The same model on every picture, with nothing else but the tracking."""
    search = PoseSearch(BlazePose(DEFAULT_FOLDER))
    for picture in sample(path, probe(path), EVERY_PICTURE_HZ, 640):
        search.look(picture.t, picture.image, [])


def timed(run: Callable[[Path], None], path: Path) -> tuple[float, float]:
    """Seconds on the wall's clock, and of processor."""
    wall, processor = time.perf_counter(), time.process_time()
    run(path)
    return time.perf_counter() - wall, time.process_time() - processor


def legacy(python: Path, path: Path) -> dict[str, object] | str:
    """What bench/legacy_pose.py says, or why it says nothing."""
    if not python.exists():
        return f"{python} does not exist"
    command = [str(python), "bench/legacy_pose.py", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no message"])[-1][:200]
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def peak_mib(path: Path) -> float:
    """Peak resident memory of a process of its own that measures the clip once."""
    command = [sys.executable, "-m", "bench.kinematics", "--once", str(path)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return float(done.stdout)


def figures(path: Path, rounds: int, python: Path) -> dict[str, object]:
    sides: dict[str, Callable[[Path], None]] = {"decode": decoded, "ours": analysed, "pose_every_frame": posed}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in (*sides, "legacy")}
    peer: dict[str, object] | str = ""
    for _ in range(rounds):
        for name, run in sides.items():
            times[name].append(timed(run, path))
        peer = legacy(python, path)
        if isinstance(peer, dict):
            times["legacy"].append((float(str(peer["seconds"])), float(str(peer["cpu_seconds"]))))
    length = probe(path).duration_s or 1.0
    result: dict[str, object] = {"clip": path.name, "video_s": length, "peak_mib": peak_mib(path)}
    for name, values in times.items():
        if values:
            result[name] = min(wall for wall, _ in values) / length
            result[f"{name}_cpu"] = min(processor for _, processor in values) / length
    for name in ("decode", "pose_every_frame", "legacy"):
        if f"{name}_cpu" in result:
            result[f"{name}_to_ours"] = float(str(result[name])) / float(str(result["ours"]))
            result[f"{name}_to_ours_cpu"] = float(str(result[f"{name}_cpu"])) / float(str(result["ours_cpu"]))
    if isinstance(peer, str):
        return result | {"legacy": f"left out: {peer}"}
    return result | agreement(path, peer["seen"])


def drawn(folder: Path) -> list[Path]:
    """1080p at 30 fps and 4K at 60 fps, with B pictures as a phone's HEVC and most H.264 has them."""
    options = {"preset": "veryfast", "crf": "23"}
    drawn_climber(
        folder / "1080p30.mp4",
        Climber(size=(1080, 1920), seconds=10.0, moves=5),
        encoding=replace(H264_B, options=options),
    )
    small = Climber(size=(1920, 1080), stature=0.5, seconds=4.0, moves=3, walk_s=0.6)

    def large() -> Iterator[Image]:
        for k in range(240):
            yield np.asarray(cv2.resize(small.picture(k / 60), (3840, 2160)), np.uint8)

    write_clip(folder / "2160p60.mp4", large(), replace(H264_B, fps=60, options=options))
    return [folder / "1080p30.mp4", folder / "2160p60.mp4"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="*", metavar="CLIP")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--legacy", type=Path, default=LEGACY, metavar="PYTHON")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--once", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if missing(DEFAULT_FOLDER):
        sys.exit("no pose weights: run `python -m ops.weights` first")
    cv2.setNumThreads(2)
    if options.once:
        analysed(options.once)
        print(peak_bytes() / MIB)
        return
    with tempfile.TemporaryDirectory() as folder:
        found = [figures(clip, options.rounds, options.legacy) for clip in options.clips or drawn(Path(folder))]
    for one in found:
        print()
        for name, value in one.items():
            print(f"{name:>26} {value:8.3f}" if isinstance(value, float) else f"{name:>26} {value}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
