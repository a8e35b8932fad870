"""Our consumer against a bare loop of SDK calls and against what one would take instead.

`python -m bench.consumer [--rounds 3] [--messages 2000] [--only NAME ...] [--json]`, on ministack in memory, with a
handler that does nothing. Each contender runs in one process, and in a virtual environment that this script makes under
.data/bench. The rounds are interleaved, so that all see the same machine; the table has medians.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from statistics import median

from bench.peers.contenders import CONTENDERS, ROOT, Contender, NotInstalled, interpreter
from bench.peers.trial import Found, Plan, Stuck, trial

BARE = "bare loop"
RECOVERY_VISIBILITY_S = 10


@dataclass(frozen=True, kw_only=True)
class Report:
    """By contender: every round, seconds of the recovery after a kill, and why something is missing."""

    rounds: dict[str, list[Found]] = field(default_factory=lambda: defaultdict(list))
    recovery: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


@contextmanager
def counted_aws(folder: Path) -> Iterator[str]:
    """The address of a counting emulator of its own."""
    argv = [sys.executable, "-m", "bench.peers.counted_aws", str(folder / "aws")]
    with (folder / "aws.log").open("ab") as errors:
        process = subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        address = process.stdout.readline().decode().strip()
        assert address, f"the emulator ended: {(folder / 'aws.log').read_text()}"
        yield address
    finally:
        process.terminate()
        process.wait(10)


async def run(contenders: Sequence[Contender], options: argparse.Namespace, folder: Path) -> Report:
    report = Report()
    ready = [(one, python) for one in contenders if (python := _installed(one, report)) is not None]
    with counted_aws(folder) as endpoint:
        plan = Plan(
            endpoint=endpoint,
            backlog=options.messages,
            singles=options.singles,
            pace=40,
            concurrency=options.concurrency,
            visibility_s=30,
            wait_s=2,
            limit_s=120,
        )
        for number in range(options.rounds):
            for contender, python in random.sample(ready, len(ready)):
                await _one(contender, python, plan, folder / f"{contender.name}-{number}", report)
        for contender, python in ready:
            short = Plan(**{**asdict(plan), "visibility_s": RECOVERY_VISIBILITY_S, "limit_s": 40})
            await _recovery(contender, python, short, folder / f"{contender.name}-kill", report)
    return report


def _installed(contender: Contender, report: Report) -> Path | None:
    say(f"{contender.name}: making ready")
    try:
        return interpreter(contender)
    except NotInstalled as error:
        report.errors[contender.name] = str(error)
        return None


async def _one(contender: Contender, python: Path, plan: Plan, folder: Path, report: Report) -> None:
    async with trial(contender, python, plan, folder) as (it, sqs):
        try:
            found = await it.measure(sqs)
        except Stuck as error:
            report.errors[contender.name] = str(error)
            return
    say(f"{folder.name}: {found.per_second:.0f}/s, {found.requests:.2f} requests a message, p99 {found.p99_ms:.0f} ms")
    report.rounds[contender.name].append(found)


async def _recovery(contender: Contender, python: Path, plan: Plan, folder: Path, report: Report) -> None:
    async with trial(contender, python, plan, folder) as (it, _):
        try:
            report.recovery[contender.name] = await it.recover()
        except Stuck as error:
            report.errors[f"{contender.name}, kill -9"] = str(error)


def table(report: Report) -> str:
    base = _median(report.rounds[BARE], "per_second") if report.rounds.get(BARE) else None
    lines = [
        "| consumer | messages/s | of the bare loop | CPU µs/message | requests/message | p50 ms | p99 ms | RSS MiB "
        "| kill -9, s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    ranked = sorted(report.rounds, key=lambda name: -_median(report.rounds[name], "per_second"))
    for name in ranked:
        found = report.rounds[name]
        rates = sorted(one.per_second for one in found)
        middle = {one.name: _median(found, one.name) for one in fields(Found)}
        share = f"{middle['per_second'] / base:.2f}x" if base else "-"
        back = f"{report.recovery[name]:.1f}" if name in report.recovery else "see below"
        lines.append(
            f"| {name} | {middle['per_second']:.0f} ({rates[0]:.0f}-{rates[-1]:.0f}) | {share} "
            f"| {middle['cpu_us']:.0f} | {middle['requests']:.2f} | {middle['p50_ms']:.0f} | {middle['p99_ms']:.0f} "
            f"| {middle['rss_mib']:.0f} | {back} |"
        )
    lines += ["", *(f"- {name}: `{error}`" for name, error in report.errors.items())]
    return "\n".join(lines)


def _median(found: Sequence[Found], name: str) -> float:
    return float(median(getattr(one, name) for one in found))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=2000, help="backlog of each trial")
    parser.add_argument("--singles", type=int, default=200, help="messages for the wait from send to handler")
    parser.add_argument("--concurrency", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=[one.name for one in CONTENDERS])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chosen = [one for one in CONTENDERS if options.only is None or one.name in options.only]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        report = asyncio.run(run(chosen, options, Path(folder)))
    print(json.dumps(asdict(report)) if options.json else table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
