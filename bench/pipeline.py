"""What the pipeline adds to a clip's own decoding: `python -m bench.pipeline [CLIP] [--rounds N] [--json]`.

Runs the real processes against the embedded AWS. Each round decodes the clip once with plain PyAV in a fresh process
and sends it once through the pipeline, so that both see the same machine; the table quotes medians and their ratio.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.extract import main as extract_main
from tests.flow.product import ROOT, Product, product

CLIP = ROOT.parent / "shared" / "clips" / "boulder-indoor.mp4"
STAGES = ("queued", "download", "extract", "analyze", "store", "total")
DECODE = """
import av, sys, time
began = time.perf_counter()
with av.open(sys.argv[1]) as clip:
    clip.streams.video[0].thread_type = "AUTO"
    pictures = sum(1 for _ in clip.decode(video=0))
print(time.perf_counter() - began)
"""


def plain_decode(clip: Path) -> float:
    """Seconds to decode every picture, process start excluded."""
    out = subprocess.run([sys.executable, "-c", DECODE, str(clip)], capture_output=True, text=True, check=True)
    return float(out.stdout)


def memory(it: Product) -> dict[str, float]:
    """RSS in MB of each process, the worker's sandbox children by themselves."""
    found = {}
    for name, process in it.running.items():
        tree = psutil.Process(process.pid)
        found[name] = tree.memory_info().rss / 1e6
        for child in tree.children(recursive=True):
            found[f"{name} child"] = max(found.get(f"{name} child", 0), child.memory_info().rss / 1e6)
    return found


async def one_clip(it: Product, clip: Path, peak: dict[str, float]) -> dict[str, float]:
    """Seconds of each stage as the result has them; `wall`: from the upload's start to the end that a client sees."""
    began = time.perf_counter()
    analysis_id = await it.send(clip)
    while (await it.status(analysis_id))["status"] not in ("completed", "failed"):
        for name, size in memory(it).items():
            peak[name] = max(peak.get(name, 0), size)
        await asyncio.sleep(0.05)
    wall = time.perf_counter() - began
    _, result = await it.get(f"/analysis/{analysis_id}")
    return {"wall": wall, **{stage: result["timing"][f"{stage}_ms"] / 1000 for stage in STAGES}}


async def rounds(clip: Path, count: int) -> dict[str, Any]:
    runs, decodes, peak = [], [], dict[str, float]()
    with tempfile.TemporaryDirectory() as folder:
        async with product(Path(folder)) as it:
            await one_clip(it, clip, peak)  # imports and caches are warm afterwards, as in a running system
            for _ in range(count):
                decodes.append(await asyncio.to_thread(plain_decode, clip))
                runs.append(await one_clip(it, clip, peak))
    floor = statistics.median(decodes)
    stages = {name: statistics.median(run[name] for run in runs) for name in ("wall", *STAGES)}
    return {"clip": clip.name, "rounds": count, "decode_s": floor, "stages_s": stages, "peak_rss_mb": peak}


def report(found: dict[str, Any]) -> str:
    rows = [
        f"{found['clip']}, medians of {found['rounds']} rounds",
        "",
        "| what | s | x plain decode |",
        "|---|---|---|",
    ]
    rows.append(f"| plain PyAV decode | {found['decode_s']:.2f} | 1 |")
    rows += [f"| {name} | {s:.2f} | {s / found['decode_s']:.2f} |" for name, s in found["stages_s"].items()]
    rows += ["", "| process | peak RSS, MB |", "|---|---|"]
    rows += [f"| {name} | {size:.0f} |" for name, size in sorted(found["peak_rss_mb"].items())]
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", nargs="?", type=Path, default=CLIP)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.clip.exists():
        parser.error(f"no clip at {options.clip}: name one")
    found = asyncio.run(rounds(options.clip, options.rounds))
    print(json.dumps(found) if options.json else report(found))
    if options.json:
        return 0
    return extract_main(["--only", "hd-gop30.mp4", "--methods", "ours", "cv2_seeks", "--rounds", str(options.rounds)])


if __name__ == "__main__":
    sys.exit(main())
