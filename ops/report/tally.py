"""What is counted of the lines: users' work and probes' work apart. Nothing here awaits."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from ops.report.history import History
from ops.report.line import BROKEN, Line, parse
from ops.report.sketch import Sketch

NO_CODE = "UNKNOWN"
MOST_NAMES = 200
OTHERS = "(others)"
"""Names come from lines, and lines from anywhere: past so many different ones they are counted together."""


def count(counts: Counter[str], name: str) -> None:
    counts[name if name in counts or len(counts) < MOST_NAMES else OTHERS] += 1


class Work:
    """Of users, or of probes."""

    def __init__(self) -> None:
        self.completed = 0
        self.failures: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.dead_lettered = 0
        self.downloads_started = 0
        self.downloads = Sketch()
        self.extracted = 0
        self.cleaned = 0
        self.stages: dict[str, Sketch] = {}
        self.requests = Sketch()
        self.server_errors = 0
        self.cost_usd = 0.0
        self.input_tokens = 0
        self.output_tokens = 0
        self.model_calls = 0
        self.unpriced_calls = 0
        self.history = History()

    @property
    def failed(self) -> int:
        return self.failures.total()

    def stage(self, name: str) -> Sketch:
        if name not in self.stages and len(self.stages) >= MOST_NAMES:
            name = OTHERS
        return self.stages.setdefault(name, Sketch())


Rule = Callable[[Work, Line], None]


def _completed(work: Work, line: Line) -> None:
    work.completed += 1
    for name, ms in (line.stage_ms or {}).items():
        work.stage(name).add(ms)
    work.history.add(line.timestamp, "completed")


def _failed(work: Work, line: Line) -> None:
    count(work.failures, line.error_code or NO_CODE)
    work.history.add(line.timestamp, "failed")


def _retried(work: Work, line: Line) -> None:
    count(work.retries, line.error_code or NO_CODE)


def _dead_lettered(work: Work, _: Line) -> None:
    work.dead_lettered += 1


def _download_started(work: Work, _: Line) -> None:
    work.downloads_started += 1


def _downloaded(work: Work, line: Line) -> None:
    work.downloads.add(line.bytes or 0.0)


def _extracted(work: Work, _: Line) -> None:
    work.extracted += 1


def _cleaned(work: Work, _: Line) -> None:
    work.cleaned += 1


def _job(work: Work, line: Line) -> None:
    """The whole of an analysis in the worker's hands."""
    if line.kind == "analysis" and line.outcome == "done" and line.ms is not None:
        work.stage("in worker").add(line.ms)


def _request(work: Work, line: Line) -> None:
    work.requests.add(line.ms or 0.0)
    if isinstance(line.status, int) and line.status >= 500:
        work.server_errors += 1


def _model(work: Work, line: Line) -> None:
    """An answer that an earlier try has paid for costs nothing."""
    if line.bought is False:
        return
    work.model_calls += 1
    work.unpriced_calls += line.cost_usd is None
    work.cost_usd += line.cost_usd or 0.0
    work.input_tokens += line.input_tokens or 0
    work.output_tokens += line.output_tokens or 0


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "analysis.completed": _completed,
        "analysis.failed": _failed,
        "message.retried": _retried,
        "message.dead_lettered": _dead_lettered,
        "video.download.started": _download_started,
        "video.download.completed": _downloaded,
        "frames.extracted": _extracted,
        "scratch.cleaned": _cleaned,
        "job.completed": _job,
        "http.request.completed": _request,
        "vision.completed": _model,
    }
)


class Tally:
    """`users` and `probes` by the lines' own word (`synthetic`)."""

    def __init__(self) -> None:
        self.lines = 0
        self.broken = 0
        self.first = ""
        self.last = ""
        self.users = Work()
        self.probes = Work()
        self.probe_runs: Counter[str] = Counter()

    def read(self, lines: Iterable[bytes]) -> None:
        for raw in lines:
            self.add(raw)

    def add(self, raw: bytes) -> None:
        self.lines += 1
        line = parse(raw)
        if isinstance(line, str):
            self.broken += line == BROKEN and not raw.isspace()
            return
        self._note_time(line.timestamp)
        work = self.probes if line.synthetic else self.users
        rule = RULES.get(line.event)
        if rule is not None:
            rule(work, line)
        elif line.event in ("probe.completed", "probe.failed"):
            self.probe_runs["failed" if line.event == "probe.failed" else "good"] += 1

    def _note_time(self, timestamp: str) -> None:
        """All are written alike, so that they compare as texts."""
        if timestamp:
            if not self.first or timestamp < self.first:
                self.first = timestamp
            self.last = max(self.last, timestamp)
