"""The conservation law: accepted = queued + running + completed + failed + dead-lettered, and nothing is left over.

Usable alone on what a run wrote down: `python -m tests.chaos.conservation EVIDENCE.json` prints the breaches and exits
with 1 when there are any. Every breach names the ids and what is wrong with them. Pure but for that.
"""

import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.error_codes import ErrorCode
from core.record import Status
from tests.chaos.evidence import Evidence, loaded

SPENT = frozenset({ErrorCode.RETRIES_EXHAUSTED, ErrorCode.POISON_MESSAGE})
"""The only ends that a good clip may meet without a result."""
NAMED_AT_MOST = 10
LONGEST_DRAIN_S = 8 + 2 + 2
"""The drain budget of a run, what the promise adds, and as much for a machine that is busy."""


@dataclass(frozen=True, kw_only=True)
class Breach:
    law: str
    what: str
    ids: Sequence[str] = ()

    def __str__(self) -> str:
        more = f" and {len(self.ids) - NAMED_AT_MOST} more" if len(self.ids) > NAMED_AT_MOST else ""
        named = f": {', '.join(self.ids[:NAMED_AT_MOST])}{more}" if self.ids else ""
        return f"{self.law}: {self.what}{named}"


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Where the accepted ones are. `dead`: those among the failed whose message is kept; `lost` have no record."""

    accepted: int
    queued: int
    running: int
    completed: int
    failed: int
    dead: int
    lost: int

    @property
    def holds(self) -> bool:
        return self.accepted == self.queued + self.running + self.completed + self.failed + self.dead


def balance(evidence: Evidence) -> Balance:
    by_id = {fact.analysis_id: fact for fact in evidence.records}
    kept = {analysis_id for _, analysis_id, _ in evidence.dead}
    found = [by_id[one] for one in evidence.accepted if one in by_id]
    count = Counter(fact.status for fact in found)
    dead = sum(fact.status is Status.FAILED and fact.analysis_id in kept for fact in found)
    return Balance(
        accepted=len(evidence.accepted),
        queued=count[Status.QUEUED] + count[Status.PENDING_UPLOAD],
        running=count[Status.PROCESSING],
        completed=count[Status.COMPLETED],
        failed=count[Status.FAILED] - dead,
        dead=dead,
        lost=len(evidence.accepted) - len(found),
    )


def breaches(evidence: Evidence) -> Sequence[Breach]:
    return [breach for law in LAWS for breach in law(evidence)]


def nobody_is_lost(evidence: Evidence) -> Iterable[Breach]:
    by_id = {fact.analysis_id: fact for fact in evidence.records}
    yield from _named("nobody is lost", "accepted without a record", set(evidence.accepted) - set(by_id))
    ends = {Status.COMPLETED, Status.FAILED}
    open_ones = {one for one in evidence.accepted if one in by_id and by_id[one].status not in ends}
    for status in Status:
        some = {one for one in open_ones if by_id[one].status is status}
        yield from _named("nobody waits for ever", f"still {status} after the quiet time", some)
    stored = evidence.clips | evidence.uploads
    yield from _named("nobody is lost", "a clip is stored that nobody was told of", stored - set(evidence.accepted))
    yield from _named("nobody is lost", "an accepted clip is not in the bucket", set(evidence.accepted) - stored)


def uploads_are_cleared(evidence: Evidence) -> Iterable[Breach]:
    """Where removing one did not work, ingest said so, and the bucket's lifecycle does it."""
    said = {line.analysis_id for line in evidence.lines if line.event == "upload.not_cleared"}
    left = (evidence.uploads & evidence.clips) - said
    yield from _named("uploads are cleared", "an upload lies beside its kept clip", left)


def queues_are_empty(evidence: Evidence) -> Iterable[Breach]:
    for queue, count in evidence.waiting.items():
        if count:
            yield Breach(law="queued = 0", what=f"{count} messages are left on {queue}")


def dead_letters_are_failures(evidence: Evidence) -> Iterable[Breach]:
    by_id = {fact.analysis_id: fact for fact in evidence.records}
    for queue, analysis_id, reason in evidence.dead:
        fact = by_id.get(analysis_id or "")
        if fact is None or fact.status is not Status.FAILED:
            state = "no record" if fact is None else fact.status
            what = f"dead-lettered from {queue} (reason: {reason}) with {state}"
            yield Breach(law="dead letters are failures", what=what, ids=[str(analysis_id)])


def one_terminal_transition(evidence: Evidence) -> Iterable[Breach]:
    told = {name: _by_id(evidence, name) for name in ("analysis.completed", "analysis.failed")}
    for name, count in told.items():
        several = {one for one, times in count.items() if times > 1}
        yield from _named("one terminal transition", f"{name} was said more than once", several)
    both = set(told["analysis.completed"]) & set(told["analysis.failed"])
    yield from _named("one terminal transition", "said to be completed and failed", both)
    statuses = {fact.analysis_id: fact.status for fact in evidence.records}
    wanted = {"analysis.completed": Status.COMPLETED, "analysis.failed": Status.FAILED}
    for name, status in wanted.items():
        other = {one for one in told[name] if statuses.get(one) is not status}
        yield from _named("one terminal transition", f"{name} was said, the record says another thing", other)


def one_effect(evidence: Evidence) -> Iterable[Breach]:
    done = {fact.analysis_id for fact in evidence.records if fact.status is Status.COMPLETED}
    yield from _named("one effect", "completed without a result in the bucket", done - evidence.results)


def good_clips_fail_for_a_reason(evidence: Evidence) -> Iterable[Breach]:
    for code in sorted({fact.error_code for fact in evidence.records if fact.error_code is not None} - SPENT):
        wrong = {fact.analysis_id for fact in evidence.records if fact.error_code is code}
        yield from _named("a good clip is not refused", f"failed with {code}", wrong)


def downloads_are_cleaned(evidence: Evidence) -> Iterable[Breach]:
    started, cleaned = _by_life(evidence, "video.download.started"), _by_life(evidence, "scratch.cleaned")
    for life in evidence.lives:
        key = (life.process, life.number)
        if not life.was_killed and started[key] != cleaned[key]:
            what = f"{life.process} number {life.number} began {started[key]} downloads, cleaned {cleaned[key]} folders"
            yield Breach(law="downloads = cleanups", what=what)


def nothing_is_left(evidence: Evidence) -> Iterable[Breach]:
    if evidence.files:
        yield Breach(law="no temporary file is left", what="found", ids=evidence.files)
    if evidence.children:
        yield Breach(law="no child process is left", what="found", ids=evidence.children)


def processes_end_well(evidence: Evidence) -> Iterable[Breach]:
    for line in evidence.lines:
        if line.event == "consumer.bug":
            what = f"consumer.bug was logged by {line.process} number {line.number}"
            yield Breach(law="no bug", what=what, ids=[line.analysis_id or "no id"])
    for life in evidence.lives:
        # 1: AWS did not answer at the start, and the platform starts it again; SIGTERM ends who has not begun to listen
        fine = {0, 1, -signal.SIGKILL} if life.asked_s is None else {0, 1, -signal.SIGKILL, -signal.SIGTERM}
        if life.code not in fine:
            yield Breach(law="no crash", what=f"{life.process} number {life.number} ended with {life.code}")


def drains_in_time(evidence: Evidence) -> Iterable[Breach]:
    """By the process's own clock: before it hears of the signal it can do nothing about it."""
    asked = {(line.process, line.number): line.at for line in evidence.lines if line.event == "consumer.stopping"}
    for line in evidence.lines:
        if line.event == "consumer.stopped":
            took = line.at - asked.get((line.process, line.number), line.at)
            if took > LONGEST_DRAIN_S:
                what = f"{line.process} number {line.number} took {took:.1f} s from SIGTERM to its end"
                yield Breach(law="drains in time", what=what)


Law = Callable[[Evidence], Iterable[Breach]]
LAWS: Sequence[Law] = (
    nobody_is_lost,
    uploads_are_cleared,
    queues_are_empty,
    dead_letters_are_failures,
    one_terminal_transition,
    one_effect,
    good_clips_fail_for_a_reason,
    downloads_are_cleaned,
    nothing_is_left,
    processes_end_well,
    drains_in_time,
)


def _named(law: str, what: str, ids: Iterable[str]) -> Iterable[Breach]:
    found = sorted(ids)
    return [Breach(law=law, what=f"{len(found)} {what}", ids=found)] if found else []


def _by_id(evidence: Evidence, event: str) -> Counter[str]:
    return Counter(line.analysis_id or "" for line in evidence.lines if line.event == event)


def _by_life(evidence: Evidence, event: str) -> Counter[tuple[str, int]]:
    return Counter((line.process, line.number) for line in evidence.lines if line.event == event)


def main(argv: Sequence[str]) -> int:
    found = breaches(loaded(Path(argv[0]).read_text()))
    for breach in found:
        sys.stdout.write(f"BREACH {breach}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
