"""How soon a wrong file is refused, and how little is read of a right one: service and ingest on the embedded AWS.

    python -m bench.ingest [--rounds 10] [--json out.json]

The clock starts when the upload's form has been answered, which is when S3 sends its event, and ends when the record
says so: the queue, every read and every write are inside it. Nobody calls /upload/complete. Beside it stands the time
that a warm decoding child needs to tell the same facts, which is why headers are read as bytes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog

from consumer.sandbox.pool import Pool
from core.record import Record, Status
from core.settings import MIB
from tests.clips import H264, barcodes, write_clip
from tests.consumer.headers import FTYP, Says, a_webm, an_mp4, box, moov
from tests.emulator import running_emulator
from tests.security.site import Site, site

LARGE = 100_000_000
INDEX = box(b"free", bytes(600_000))
"""As large as the index of a ten minute clip at 60 pictures a second."""


def uploads(folder: Path) -> dict[str, bytes]:
    clip = write_clip(folder / "clip.mp4", barcodes(90, (1280, 720)), replace(H264, options={"preset": "veryfast"}))
    return {
        "text": b"#EXTM3U\n" * 2000,
        "webm called mp4": a_webm(),
        "cut off, 100 MB": FTYP + box(b"mdat", bytes(LARGE)),
        "too long, 100 MB, header last": an_mp4(bytes(LARGE), Says(pictures=40_000)),
        "taken, 100 MB, header last": FTYP + box(b"mdat", bytes(LARGE)) + moov(more=INDEX),
        "taken, 100 MB, header first": FTYP + moov(more=INDEX) + box(b"mdat", bytes(LARGE)),
        "taken, with a poster": clip.read_bytes(),
    }


async def told(it: Site, body: bytes) -> tuple[float, Record]:
    """Milliseconds from the upload's end to the record's word on it."""
    place = await it.begin()
    assert await it.send(place, body) in (200, 201, 204)
    started = time.perf_counter()
    while True:
        record = await it.record(place)
        if record.status is Status.FAILED or record.sent_at is not None:
            return (time.perf_counter() - started) * 1000, record
        await asyncio.sleep(0.005)


async def child_ms(clip: Path, rounds: int) -> float:
    """What a waiting, loaded child takes to be taken, to probe the clip and to be let go."""
    found = []
    async with Pool() as pool:
        for _ in range(rounds):
            # the spare that a job takes is replaced while the job before is at work
            await asyncio.sleep(1)
            started = time.perf_counter()
            async with pool.decoder() as decoder:
                await decoder.probe(clip, limit_s=20)
            found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)


async def measured(url: str, folder: Path, rounds: int) -> dict[str, Any]:
    bodies = uploads(folder)
    seen: dict[str, list[dict[str, Any]]] = {name: [] for name in bodies}
    lines: list[dict[str, Any]] = []
    structlog.configure(
        processors=[lambda logger, name, line: lines.append(dict(line)) or _dropped()],  # type: ignore[func-returns-value]
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    # a poll that outlasts the emulator's work on 100 MB: one that is cut swallows the next message
    async with site(url, folder / "scratch", MAX_UPLOAD_BYTES=str(120 * MIB), POLL_WAIT_S="10") as it:
        for _ in range(rounds):
            for name, body in bodies.items():
                lines.clear()
                ms, record = await told(it, body)
                examined = next((line for line in lines if line["event"] == "upload.examined"), {})
                seen[name].append({**examined, "ms": ms, "code": record.error_code})
    return {**seen, "child_ms": await child_ms(folder / "clip.mp4", rounds)}


def _dropped() -> Any:
    raise structlog.DropEvent


def table(found: dict[str, Any]) -> str:
    rows = ["| upload | ends as | ms, median | ms, most | bytes read | reads |", "|---|---|---|---|---|---|"]
    for name, runs in found.items():
        if name == "child_ms":
            continue
        ms = [run["ms"] for run in runs]
        code, read, reads = runs[0]["code"] or "queued", runs[0].get("bytes_read", ""), runs[0].get("reads", "")
        rows.append(f"| {name} | {code} | {statistics.median(ms):.0f} | {max(ms):.0f} | {read} | {reads} |")
    return "\n".join([*rows, "", f"a warm child's probe of a small clip: {found['child_ms']:.0f} ms"])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder, running_emulator(Path(folder)) as emulator:
        found = asyncio.run(measured(emulator.url, Path(folder), options.rounds))
    print(table(found))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
