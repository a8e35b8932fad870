"""Chaos: the real processes, an AWS that fails, and workers that are killed; then the books must balance.

`python -m tests.chaos --jobs 200 --seed 1 [--faults none|light|mix20] [--json]`. Web, two of ingest and two workers run
against the embedded AWS behind microburst; clips are uploaded over HTTP; the seed draws which worker dies where. At the
end the conservation law is checked (tests/chaos/conservation.py). Exit code 1 on a breach, with ids and what is wrong.
"""

import argparse
import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.pose_weights import DEFAULT_FOLDER
from tests.chaos.conservation import Breach, balance, breaches
from tests.chaos.faults import MIXES
from tests.chaos.plan import drawn
from tests.chaos.run import Outcome, Wish, carried_out
from tests.figure import Climber, drawn_climber

WORKERS = ("worker-a", "worker-b")
CLIP = Climber(size=(180, 320), seconds=1.0, walk_s=0.2, moves=1)


def table(outcome: Outcome, found: Sequence[Breach]) -> str:
    books, lives = balance(outcome.evidence), outcome.evidence.lives
    ends = Counter("killed" if life.was_killed else f"exit {life.code}" for life in lives)
    failed = Counter(str(fact.error_code) for fact in outcome.evidence.records if fact.error_code is not None)
    rows = {
        "accepted": books.accepted,
        "= queued": books.queued,
        "+ running": books.running,
        "+ completed": books.completed,
        "+ failed": books.failed,
        "+ dead-lettered": books.dead,
        "without a record": books.lost,
        "failed because of": _words(failed),
        "crashes at": _words(outcome.struck),
        "processes ended": _words(ends),
        "AWS": _words(outcome.fired),
        "uploads took, s": round(outcome.uploads_s),
        "at rest after, s": round(outcome.quiet_after_s),
        "unanswered": len(outcome.unanswered),
        "breaches": len(found),
    }
    width = max(map(len, rows))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows.items())


def _words(count: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {times}" for name, times in sorted(count.items())) or "-"


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", choices=list(MIXES), default="light", help="how many of AWS's answers go wrong")
    parser.add_argument("--real", type=float, default=0.2, help="share of jobs that the real analyzer measures")
    parser.add_argument("--users", type=int, default=4, help="uploads at once")
    parser.add_argument("--quiet", type=float, default=120, help="T: nothing moves for so long: what is left is stuck")
    parser.add_argument("--folder", type=Path, help="keeps logs and evidence there; else they go")
    parser.add_argument("--json", action="store_true", help="the evidence and the breaches, for programs")
    return parser.parse_args(argv)


def run(options: argparse.Namespace, folder: Path) -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {text}\n")

    (folder / "tmp").mkdir(parents=True)
    clip = folder / "climb.mp4"
    drawn_climber(clip, CLIP)
    plan = drawn(seed=options.seed, jobs=options.jobs, workers=WORKERS, real=options.real)
    wish = Wish(
        plan=plan,
        seed=options.seed,
        faults=options.faults,
        workers=WORKERS,
        users=options.users,
        quiet_s=options.quiet,
        clip=clip,
        folder=folder,
        weights=DEFAULT_FOLDER.absolute(),
    )
    outcome = asyncio.run(_until_asked(carried_out(wish, say)))
    (folder / "evidence.json").write_text(outcome.evidence.dumped())
    found = breaches(outcome.evidence)
    found = [*found, *(Breach(law="the service answers", what=what) for what in outcome.unanswered)]
    if options.json:
        sys.stdout.write(json.dumps({"balance": asdict(balance(outcome.evidence)), "breaches": [*map(str, found)]}))
    else:
        sys.stdout.write(table(outcome, found) + "\n")
        sys.stdout.writelines(f"BREACH {breach}\n" for breach in found)
    return 1 if found else 0


async def _until_asked(run: Coroutine[Any, Any, Outcome]) -> Outcome:
    """A SIGTERM or Ctrl-C still stops whatever was started."""
    task = asyncio.ensure_future(run)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def main(argv: Sequence[str]) -> int:
    options = parsed(argv)
    if options.folder is not None:
        return run(options, options.folder.absolute())
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        return run(options, Path(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
