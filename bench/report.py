"""`python -m bench.report [--lines N]`: how fast `performate report` reads, and with how much memory.

Lines are those of whole analyses as the processes write them. Peak memory is taken of fresh processes, one that reads
a hundredth of the lines and one that reads all of them: flat means that both need the same.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CODES = ("UNSUPPORTED_CODEC", "STAGE_TIMEOUT", "RETRIES_EXHAUSTED")
CHILD = """
import json, resource, sys, time
from pathlib import Path
from ops.report.figures import figures
from ops.report.lines import read_lines
from ops.report.tally import Tally
tally, began = Tally(), time.perf_counter()
with read_lines(Path(sys.argv[1]), stdin=sys.stdin.buffer) as lines:
    tally.read(lines)
took = time.perf_counter() - began
print(json.dumps({
    "s": took, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "figures": figures(tally),
}))
"""


def lines_of(number: int) -> Iterator[dict[str, Any]]:
    """The lines of the number-th analysis: every fiftieth fails, every twentieth is a probe's."""
    at = 1_790_000_000 + number * 2
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    head = {
        "timestamp": f"{moment}.{number % 1_000_000:06d}Z",
        "level": "info",
        "event": "",
        "schema_version": 1,
        "service": "worker",
        "instance": "worker-1",
        "version": "0.1.0",
        "trace_id": f"{number:032x}",
        "request_id": None,
        "analysis_id": f"{number:08x}-d9cb-469f-a165-70867728950e",
        "attempt": 1,
        "stage": "extract",
        "synthetic": number % 20 == 0,
    }
    stage_ms = {"download": 200 + number % 300, "extract": 900, "analyze": 4000 + number % 9000, "store": 150}
    for event, fields in (
        ("http.request.completed", {"method": "POST", "route": "/upload/init", "status": 201, "ms": 12.5}),
        ("http.request.completed", {"method": "GET", "route": "/analysis/{id}/status", "status": 200, "ms": 2.5}),
        ("analysis.queued", {"epoch": 0, "sport": "bouldering"}),
        ("upload.accepted", {"bytes": 5_000_000}),
        ("video.download.started", {"bytes": 5_000_000}),
        ("video.download.completed", {"bytes": 5_000_000, "ms": 240}),
    ):
        yield {**head, "event": event, **fields}
    if number % 50 == 0:
        yield {**head, "event": "analysis.failed", "error_code": CODES[number // 50 % 3], "runbook_url": ""}
    else:
        yield {**head, "event": "frames.extracted", "count": 5, "duration_s": 20.1, "ms": 900}
        yield {**head, "event": "analysis.completed", "stage_ms": stage_ms}
    yield {**head, "event": "scratch.cleaned"}
    yield {**head, "event": "job.completed", "kind": "analysis", "outcome": "done", "ms": 5400, "stage_ms": stage_ms}


def write(path: Path, count: int) -> None:
    written, number = 0, 0
    with path.open("w") as file:
        while written < count:
            for line in lines_of(number):
                file.write(json.dumps(line) + "\n")
                written += 1
            number += 1


def measure(path: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def parsing_alone(path: Path, count: int) -> float:
    """Seconds that json.loads takes for as many lines, and nothing else: what the figure is held against."""
    with path.open("rb") as file:
        lines = [line for line, _ in zip(file, range(count), strict=False)]
    began = time.perf_counter()
    for line in lines:
        json.loads(line)
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    count: int = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few.log", Path(folder) / "many.log"
        write(few, count // 100)
        write(many, count)
        small, large = measure(few), measure(many)
        packed = Path(folder) / "many.log.gz"
        with many.open("rb") as plain, gzip.open(packed, "wb", compresslevel=3) as file:
            file.writelines(plain)
        zipped = measure(packed)
        alone = parsing_alone(many, count // 10) * 10
        print(f"{count} lines, {many.stat().st_size / 1e6:.0f} MB")
    print(f"plain: {large['s']:.2f} s, gzip: {zipped['s']:.2f} s; json.loads alone would take {alone:.2f} s")
    print(f"ratio to json.loads alone: {large['s'] / alone:.2f}")
    print(f"peak memory: {small['mib']:.1f} MiB for {count // 100} lines, {large['mib']:.1f} MiB for {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
