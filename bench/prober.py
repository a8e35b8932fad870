"""How soon the prober sees what is broken, and how often it cries wolf: `python -m bench.prober`.

Random histories on a virtual clock, through the rules that the prober runs by (prober.judging, prober.schedule):
nothing here is a copy of them. Prints a table for docs/probing.md. `--live N` runs N probes against a running
installation instead (PROBE_URL and the others as the prober's own settings) and prints what they came to.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from core.probing import Cadence
from core.record import rfc3339
from core.settings import load_settings
from core.verdicts import Board, Result, Run
from prober.__main__ import prober_of
from prober.judging import Rule, due, ended, told
from prober.outside import open_outside
from prober.schedule import pause_s

RULE = Rule(failures=3, window=5, recoveries=2)
CADENCE = Cadence()
GOOD_S = 3.0
START = datetime(2026, 11, 24, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """From `at` (seconds) on, probes end with `result` after `takes_s`."""

    name: str
    result: Result
    takes_s: float
    at: float = float("inf")


FAULTS = (
    Fault(name="full outage (hangs)", result="fail", takes_s=CADENCE.timeout_s),
    Fault(name="full outage (refuses)", result="fail", takes_s=0.1),
    Fault(name="wrong answer", result="fail", takes_s=GOOD_S),
    Fault(name="slow", result="warn", takes_s=CADENCE.slow_after_s + 5),
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A probe that ended at `t` seconds, and the board that it left."""

    t: float
    board: Board
    run: Run


def history(chance: random.Random, fault: Fault, flake: float) -> Iterator[Step]:
    """For ever. The first probe begins anywhere in an interval."""
    board, t = Board(state="up"), chance.uniform(0, CADENCE.interval_s)
    while True:
        struck = t >= fault.at
        result: Result = fault.result if struck else "fail" if chance.random() < flake else "pass"
        end = t + (fault.takes_s if struck else GOOD_S)
        now = START + timedelta(seconds=end)
        run = Run(
            run_id=str(t),
            trigger="loop",
            result=result,
            started_at=rfc3339(now),
            finished_at=rfc3339(now),
            wall_ms=0,
            trace_id="",
        )
        board = ended(board, run, RULE, now=now)
        alarm = due(board, now=now)
        board = board if alarm is None else told(board, alarm)
        yield Step(t=end, board=board, run=run)
        t = max(end, t + pause_s(board, run, CADENCE, chance=chance.random()))


def detection(fault: Fault, *, rounds: int, flake: float, seed: int) -> list[float]:
    """In intervals: from the fault to the state down, or for a slow pipeline to the verdict warn."""
    chance, found = random.Random(seed), []
    while len(found) < rounds:
        at = chance.uniform(5, 25) * CADENCE.interval_s
        struck = Fault(name=fault.name, result=fault.result, takes_s=fault.takes_s, at=at)
        for step in history(chance, struck, flake):
            # a page that was out before the fault tells nothing about how soon this one is
            if step.t < at and step.board.state == "down":
                break
            seen = step.board.state == "down" or (fault.result == "warn" and step.run.result == "warn")
            if step.t >= at and seen:
                found.append((step.t - at) / CADENCE.interval_s)
                break
    return found


def false_pages(*, probes: int, flake: float, seed: int) -> float:
    """Pages of a healthy pipeline in 10,000 probes."""
    pages, state = 0, "up"
    never = Fault(name="never", result="fail", takes_s=0)
    for number, step in enumerate(history(random.Random(seed), never, flake)):
        pages += step.board.state == "down" and state != "down"
        state = step.board.state
        if number >= probes:
            return pages / probes * 10_000
    raise AssertionError("a history has no end")


def table(*, rounds: int, probes: int, flake: float, seed: int) -> str:
    lines = ["| fault | seen after: median | 99 % | longest (intervals) | promised |", "|---|---|---|---|---|"]
    for fault in FAULTS:
        found = sorted(detection(fault, rounds=rounds, flake=flake, seed=seed))
        promised = 3 if fault.result == "warn" else 2
        lines.append(
            f"| {fault.name} | {median(found):.2f} | {found[int(0.99 * len(found))]:.2f} | {found[-1]:.2f} "
            f"| {promised} |"
        )
    pages = false_pages(probes=probes, flake=flake, seed=seed)
    lines.append("")
    lines.append(f"{pages:.2f} false pages in 10,000 probes at {flake:.0%} flake (of {probes:,} probes); promised: 1")
    return "\n".join(lines)


async def live(times: int) -> int:
    """Exit code 1 when one of the probes of a pipeline that is up did not pass."""
    settings, results, wall, cpu = load_settings(), Counter[str](), [], []
    async with open_outside(settings) as outside:
        token = settings.admin_token.get_secret_value() if settings.admin_token else ""
        prober = prober_of(settings, outside, token)
        for _ in range(times):
            found = await prober.run("once")
            if found is None:
                results["overlap"] += 1
                continue
            run, _ = found
            results[run.result] += 1
            wall.append(run.wall_ms)
            cpu.append(run.cpu_ms or 0)
            if run.result == "fail":
                print(run.failed_stage, run.error_code, run.detail)
    print(dict(results), f"wall ms: median {median(wall):.0f}, longest {max(wall)}; prober's CPU ms: {median(cpu):.0f}")
    return 0 if results["fail"] == 0 else 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.prober", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5_000)
    parser.add_argument("--probes", type=int, default=1_000_000)
    parser.add_argument("--flake", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--live", type=int, metavar="N")
    options = parser.parse_args()
    if options.live:
        return asyncio.run(live(options.live))
    print(table(rounds=options.rounds, probes=options.probes, flake=options.flake, seed=options.seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
