"""What a job pays for its sandbox, and whether the worker grows: `python -m bench.sandbox [--jobs 1000]`.

Side by side in one run: a child that waits loaded, and one that is started for the job. A job here is a probe of a clip
of two seconds; "overhead" is everything but the probe itself: taking the child, closing its walls, letting it go.
"""

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from statistics import median, quantiles

from consumer.sandbox.pool import Pool, open_sandbox
from consumer.sandbox.process import Sandbox
from core.failure import Failure
from tests.clips import barcodes, write_clip

LIMIT_S = 30.0
MIB = 1024 * 1024
ROUNDS = 20

Open = Callable[[], AbstractAsyncContextManager[Sandbox]]


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        clip = write_clip(Path(folder) / "clip.mp4", barcodes(60))
        tiny = Path(folder) / "tiny.mp4"
        tiny.touch()
        asyncio.run(_compare(tiny))
        asyncio.run(_grow(clip, options.jobs))


async def _compare(tiny: Path) -> None:
    loaded, fresh = [], []
    async with Pool() as pool:
        for _ in range(ROUNDS):
            # as in a worker: the spare has had the time of a job to load
            await asyncio.sleep(1.5)
            loaded.append(await _overhead_ms(pool.decoder, tiny))
            fresh.append(await _overhead_ms(open_sandbox, tiny))
    print(f"overhead of a job, {ROUNDS} of each, ms: median / 95th percentile / worst")
    for name, times in (("loaded", loaded), ("started", fresh)):
        print(f"  {name:8} {median(times):7.1f} {quantiles(times, n=20)[-1]:7.1f} {max(times):7.1f}")
    print(f"  ratio    {median(fresh) / median(loaded):7.1f}")


async def _overhead_ms(opened: Open, tiny: Path) -> float:
    """Milliseconds of a job about a file that is refused by its size: all that is left of it is the sandbox."""
    started = time.perf_counter()
    async with opened() as box:
        with suppress(Failure):
            await box.probe(tiny, limit_s=LIMIT_S)
    return (time.perf_counter() - started) * 1000


async def _grow(clip: Path, jobs: int) -> None:
    """The worker's memory, threads and files after a tenth of the jobs and after all of them."""
    seen = []
    started = time.perf_counter()
    async with Pool(spares=2) as pool:
        for job in range(1, jobs + 1):
            async with pool.decoder() as box:
                await box.probe(clip, limit_s=LIMIT_S)
            if job in (max(1, jobs // 10), jobs):
                seen.append((_resident(), _open_files()))
    (before, files_before), (after, files_after) = seen[0], seen[-1]
    seconds = time.perf_counter() - started
    print(
        f"{jobs} jobs in {seconds:.0f} s: worker {before / MIB:.1f} -> {after / MIB:.1f} MB, "
        f"files {files_before} -> {files_after}, "
        f"largest child {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB"
    )


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=1000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
