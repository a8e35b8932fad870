"""Five exact pictures of a 1080p clip: ours against cv2.VideoCapture seeks, in turns, proven equal by barcode.

    python -m bench.extract [--rounds 15] [--gop 30] [--json out.json]

Each round draws its own five targets, the same for both. Both sides open the file, find five pictures, scale them to
1024 pixels and encode JPEG; interpreter start and imports are outside the clock. Ratios are of medians; absolute
times depend on the machine.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from consumer.media.frames import extract
from consumer.media.pick import Moment
from consumer.media.probe import Probe, probe
from tests.clips import H264, Image, barcode, barcode_in, write_clip

FPS, SECONDS, SIZE = 30, 20, (1920, 1080)
QUALITY = 85

Run = Callable[[Path, Path, list[int]], None]


def pictures() -> Iterator[Image]:
    """Barcodes over moving noise: about the bits of a phone's clip."""
    rng = np.random.default_rng(1)
    texture = rng.integers(0, 120, (SIZE[1], SIZE[0] + 600, 3), np.uint8)
    texture = cv2.GaussianBlur(texture, (0, 0), 2) * 2
    for index in range(FPS * SECONDS):
        image = barcode(index, SIZE)
        below = SIZE[1] * 6 // 10
        image[below:] = texture[below:, index % 600 : index % 600 + SIZE[0]]
        yield image


def drawn_targets(rng: random.Random) -> list[int]:
    """Five pictures, one from each fifth of the clip, anywhere in their group: neither side may be lucky."""
    fifth = FPS * SECONDS // 5
    return [rng.randrange(part * fifth, (part + 1) * fifth) for part in range(5)]


def ours(path: Path, out: Path, targets: list[int]) -> None:
    moments = [Moment(t=index / FPS) for index in targets]
    extract(path, probe(path), moments, out=out, progress=lambda share: None)


def ours_probed(known: Probe) -> Run:
    """Without the probe, which the pipeline does once and OpenCV does not do at all."""

    def run(path: Path, out: Path, targets: list[int]) -> None:
        moments = [Moment(t=index / FPS) for index in targets]
        extract(path, known, moments, out=out, progress=lambda share: None)

    return run


def opencv(path: Path, out: Path, targets: list[int]) -> None:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 2])
    for number, index in enumerate(targets):
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        _, image = capture.read()
        small = cv2.resize(image, (1024, 576), interpolation=cv2.INTER_AREA)
        _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        (out / f"f{number:02d}.jpg").write_bytes(data.tobytes())
    capture.release()


def timed(run: Run, path: Path, out: Path, targets: list[int]) -> float:
    """Milliseconds; proves outside the clock that the five files are the five pictures asked for."""
    start = time.perf_counter()
    run(path, out, targets)
    elapsed = (time.perf_counter() - start) * 1000
    written = sorted(out.glob("f*.jpg"))
    found = [barcode_in(file) for file in written]
    assert found == targets, f"{found} are not the pictures asked for: {targets}"
    for file in written:
        file.unlink()
    return elapsed


def measure(rounds: int, gop: int, folder: Path) -> dict[str, float]:
    options = {"preset": "veryfast", "b": "4M"}
    path = write_clip(folder / "clip.mp4", pictures(), replace(H264, options=options, gop=gop))
    runs: dict[str, Run] = {
        "ours_ms": ours_probed(probe(path)),
        "ours_with_probe_ms": ours,
        "opencv_ms": opencv,
    }
    times: dict[str, list[float]] = {name: [] for name in runs}
    rng = random.Random(7)
    for _ in range(rounds):
        targets = drawn_targets(rng)
        for name, run in runs.items():
            times[name].append(timed(run, path, folder, targets))
    medians = {name: statistics.median(values) for name, values in times.items()}
    return medians | {
        "ratio": medians["opencv_ms"] / medians["ours_ms"],
        "ratio_with_probe": medians["opencv_ms"] / medians["ours_with_probe_ms"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--gop", type=int, default=30)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(options.rounds, options.gop, Path(folder))
    print(f"5 exact pictures of 1080p, GOP {options.gop}, {options.rounds} rounds, medians")
    for name, value in figures.items():
        print(f"{name:>20} {value:8.2f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
