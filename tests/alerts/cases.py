"""What each alert must do: fire, stay quiet, resolve, and what it makes of no data and of low traffic."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

KINDS = ("fires", "stays quiet", "resolves", "no data", "low traffic")
Labels = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Case:
    """`series` in promtool's notation, one value each `interval`; `firing`: the labels of what fires at `at`, besides
    the rule's own. Nothing: all is quiet."""

    alert: str
    kind: str
    at: str
    series: Mapping[str, str]
    firing: tuple[Labels, ...] = ()
    interval: str = "1m"


ONE: tuple[Labels, ...] = ({},)
DONE = 'performate_analyses_total{outcome="completed",synthetic="false"}'
FAILED = 'performate_analyses_total{outcome="failed",synthetic="false"}'
REFUSED = 'performate_analyses_total{outcome="refused",synthetic="false"}'
PROBES = 'performate_analyses_total{outcome="failed",synthetic="true"}'


def _budget() -> Iterator[Case]:
    fast = "AnalysisErrorBudgetFast"
    yield Case(alert=fast, kind="fires", at="60m", series={DONE: "0+1x70", FAILED: "0+1x70"}, firing=ONE)
    yield Case(alert=fast, kind="stays quiet", at="65m", series={DONE: "0+1x130", FAILED: "0+0x59 3+0x60"})
    yield Case(alert=fast, kind="stays quiet", at="60m", series={DONE: "0+1x70", FAILED: "0x70", REFUSED: "0+3x70"})
    yield Case(alert=fast, kind="stays quiet", at="60m", series={DONE: "0+1x70", FAILED: "0x70", PROBES: "0+3x70"})
    yield Case(alert=fast, kind="resolves", at="67m", series={DONE: "0+1x130", FAILED: "0+1x60 60+0x60"})
    yield Case(alert=fast, kind="no data", at="60m", series={})
    # 12 an hour: one failure, and even two, are more than 14.4 times too many, and page nobody
    for count in (1, 2):
        few = {DONE: "0+0.2x130", FAILED: f"0+0x59 {count}+0x60"}
        yield Case(alert=fast, kind="low traffic", at="62m", series=few)
    medium = "AnalysisErrorBudgetMedium"
    yield Case(alert=medium, kind="fires", at="370m", series={DONE: "0+1x400", FAILED: "0+0.1x400"}, firing=ONE)
    yield Case(alert=medium, kind="stays quiet", at="370m", series={DONE: "0+1x400", FAILED: "0+0.02x400"})
    yield Case(alert=medium, kind="resolves", at="395m", series={DONE: "0+1x400", FAILED: "0+0.1x360 36+0x60"})
    yield Case(alert=medium, kind="no data", at="370m", series={})
    yield Case(alert=medium, kind="low traffic", at="355m", series={DONE: "0+0.034x400", FAILED: "0+0x349 1+0x40"})
    slow, ten = "AnalysisErrorBudgetSlow", "10m"
    for kind, at, series, firing in (
        ("fires", "4400m", {DONE: "0+10x460", FAILED: "0+0.1x460"}, ONE),
        ("stays quiet", "4400m", {DONE: "0+10x460", FAILED: "0+0.02x460"}, ()),
        ("resolves", "4740m", {DONE: "0+10x490", FAILED: "0+0.1x432 43.2+0x60"}, ()),
        ("no data", "4400m", {}, ()),
        ("low traffic", "4200m", {DONE: "0+0.2x460", FAILED: "0+0x399 1+0x60"}, ()),
    ):
        yield Case(alert=slow, kind=kind, at=at, series=series, firing=firing, interval=ten)


def _durations(within: str, all_of_them: str) -> dict[str, str]:
    labels = 'clip="up_to_30s",synthetic="false"'
    name = "performate_analysis_duration_seconds"
    return {
        f'{name}_bucket{{{labels},le="120.0"}}': within,
        f'{name}_bucket{{{labels},le="300.0"}}': all_of_them,
        f'{name}_bucket{{{labels},le="+Inf"}}': all_of_them,
        f"{name}_count{{{labels}}}": all_of_them,
    }


def _slow() -> Iterator[Case]:
    name = "AnalysesSlow"
    yield Case(alert=name, kind="fires", at="45m", series=_durations("0+0.8x60", "0+1x60"), firing=ONE)
    yield Case(alert=name, kind="stays quiet", at="45m", series=_durations("0+0.97x60", "0+1x60"))
    yield Case(alert=name, kind="resolves", at="66m", series=_durations("0+0.8x30 25+1x40", "0+1x71"))
    yield Case(alert=name, kind="no data", at="45m", series={})
    yield Case(alert=name, kind="low traffic", at="45m", series=_durations("0x60", "0+0.2x60"))


def _http(status: int, route: str = "/upload/init") -> str:
    labels = f'method="POST",route="{route}",status="{status}",synthetic="false"'
    return f"performate_http_request_duration_seconds_count{{{labels}}}"


def _requests() -> Iterator[Case]:
    good, bad = _http(201), _http(500)
    fast = "HttpErrorBudgetFast"
    yield Case(alert=fast, kind="fires", at="60m", series={good: "0+10x70", bad: "0+5x70"}, firing=ONE)
    yield Case(alert=fast, kind="stays quiet", at="60m", series={good: "0+10x70", bad: "0+1x70"})
    verdicts = {good: "0+10x70", bad: "0x70", _http(503, "/health/analysis-pipeline"): "0+100x70"}
    yield Case(alert=fast, kind="stays quiet", at="60m", series=verdicts)
    yield Case(alert=fast, kind="resolves", at="67m", series={good: "0+10x130", bad: "0+5x60 300+0x60"})
    yield Case(alert=fast, kind="no data", at="60m", series={})
    yield Case(alert=fast, kind="low traffic", at="62m", series={good: "0+0.1x130", bad: "0+0x59 5+0x60"})
    slow = "HttpErrorBudgetSlow"
    yield Case(alert=slow, kind="fires", at="370m", series={good: "0+10x400", bad: "0+1x400"}, firing=ONE)
    yield Case(alert=slow, kind="stays quiet", at="370m", series={good: "0+10x400", bad: "0+0.3x400"})
    yield Case(alert=slow, kind="resolves", at="395m", series={good: "0+10x400", bad: "0+1x360 360+0x60"})
    yield Case(alert=slow, kind="no data", at="370m", series={})
    yield Case(alert=slow, kind="low traffic", at="355m", series={good: "0+0.1x400", bad: "0+0x349 5+0x60"})


def _codes() -> Iterator[Case]:
    name = "ErrorCodeSpike"
    code = 'performate_analysis_failures_total{error_code="DECODER_CRASHED",synthetic="false"}'
    firing = ({"error_code": "DECODER_CRASHED"},)
    yield Case(
        alert=name, kind="fires", at="20m", series={DONE: "0+1x30", FAILED: "0+1x30", code: "0+1x30"}, firing=firing
    )
    yield Case(alert=name, kind="stays quiet", at="20m", series={DONE: "0+10x30", FAILED: "0+0.5x30", code: "0+0.5x30"})
    ended = {DONE: "0+1x50", FAILED: "0+1x20 20+0x30", code: "0+1x20 20+0x30"}
    yield Case(alert=name, kind="resolves", at="40m", series=ended)
    yield Case(alert=name, kind="no data", at="20m", series={})
    yield Case(alert=name, kind="low traffic", at="20m", series={DONE: "0x30", FAILED: "0+0.2x30", code: "0+0.2x30"})


def _up() -> Iterator[Case]:
    web, other = 'up{job="performate-web",instance="a"}', 'up{job="performate-web",instance="b"}'
    labels = ({"job": "performate-web"},)
    yield Case(alert="WebDown", kind="fires", at="3m", series={web: "0x10", other: "0x10"}, firing=labels)
    yield Case(alert="WebDown", kind="stays quiet", at="3m", series={web: "0x10", other: "1x10"})
    yield Case(alert="WebDown", kind="resolves", at="8m", series={web: "0x5 1x5"})
    yield Case(alert="WebDown", kind="no data", at="3m", series={}, firing=labels)
    yield Case(alert="WebDown", kind="low traffic", at="3m", series={web: "1x10", _http(201): "0x10"})
    ingest, worker = 'up{job="performate-ingest",instance="a"}', 'up{job="performate-worker",instance="a"}'
    name = "NoConsumers"
    yield Case(
        alert=name,
        kind="fires",
        at="3m",
        series={ingest: "1x10", worker: "0x10"},
        firing=({"job": "performate-worker"},),
    )
    yield Case(alert=name, kind="stays quiet", at="3m", series={ingest: "1x10", worker: "1x10"})
    yield Case(alert=name, kind="resolves", at="8m", series={ingest: "1x10", worker: "0x5 1x5"})
    both = ({"job": "performate-ingest"}, {"job": "performate-worker"})
    yield Case(alert=name, kind="no data", at="3m", series={}, firing=both)
    yield Case(alert=name, kind="low traffic", at="3m", series={ingest: "1x10", worker: "1x10", DONE: "0x10"})
    yield Case(alert="Watchdog", kind="fires", at="1m", series={}, firing=ONE)
    yield Case(alert="Watchdog", kind="no data", at="1m", series={}, firing=ONE)


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """An alert on one gauge: values that fire it and do not, and after how many minutes it must. `idle`: its value in
    a healthy installation where nothing happens. `silence_fires`: no data is an alarm of its own."""

    alert: str
    series: Mapping[str, str]
    bad: str
    good: str
    after: int
    firing: Labels
    idle: str = "0"
    silence_fires: bool = False


GAUGES = (
    Gauge(
        alert="ConsumerNotAlive",
        series={'performate_consumer_alive{job="performate-worker",instance="a"}': "V"},
        bad="0",
        good="1",
        idle="1",
        after=3,
        firing={"job": "performate-worker", "instance": "a"},
    ),
    Gauge(
        alert="ScratchLow",
        series={
            'performate_scratch_free_bytes{job="performate-worker",instance="a"}': "V",
            'performate_scratch_largest_bytes{job="performate-worker",instance="a"}': "300",
        },
        bad="299",
        good="300",
        idle="2000",
        after=11,
        firing={"job": "performate-worker", "instance": "a"},
    ),
    Gauge(
        alert="DeadLetters",
        series={'performate_dead_letters{queue="a-dlq",instance="a"}': "V"},
        bad="1",
        good="0",
        after=7,
        firing={"queue": "a-dlq"},
    ),
    Gauge(
        alert="DeadLettersFlood",
        series={'performate_dead_letters{queue="a-dlq",instance="a"}': "V"},
        bad="5",
        good="4",
        after=2,
        firing={"queue": "a-dlq"},
    ),
    Gauge(
        alert="OldestWaiting",
        series={'performate_oldest_waiting_seconds{instance="a"}': "V"},
        bad="601",
        good="600",
        after=3,
        firing={},
    ),
    Gauge(
        alert="ModelBreakerOpen",
        series={'performate_breaker_open{breaker="vision-model",instance="a"}': "V"},
        bad="1",
        good="0",
        after=6,
        firing={"breaker": "vision-model"},
    ),
    Gauge(
        alert="ModelBudget80",
        series={'performate_model_budget_spent_ratio{instance="a"}': "V"},
        bad="0.8",
        good="0.79",
        after=1,
        firing={},
    ),
    Gauge(
        alert="ModelBudget100",
        series={'performate_model_budget_spent_ratio{instance="a"}': "V"},
        bad="1",
        good="0.99",
        after=1,
        firing={},
    ),
    Gauge(
        alert="ProberSilent",
        series={'performate_probe_silent{instance="a"}': "V"},
        bad="1",
        good="0",
        after=3,
        firing={},
        silence_fires=True,
    ),
    Gauge(
        alert="ProbeFailing",
        series={'performate_probe_down{instance="a"}': "V"},
        bad="1",
        good="0",
        after=1,
        firing={},
    ),
    Gauge(
        alert="ProbeWrongAnswer",
        series={'performate_probe_recent_failures{error_code="PROBE_WRONG_ANSWER",instance="a"}': "V"},
        bad="1",
        good="0",
        after=1,
        firing={},
    ),
    Gauge(
        alert="ProbeBudget80",
        series={'performate_probe_budget_spent_ratio{unit="usd",instance="a"}': "V"},
        bad="0.8",
        good="0.79",
        after=1,
        firing={"unit": "usd"},
    ),
    Gauge(
        alert="ProbeBudget100",
        series={'performate_probe_budget_spent_ratio{unit="usd",instance="a"}': "V"},
        bad="1",
        good="0.99",
        after=1,
        firing={"unit": "usd"},
    ),
)


def _of(gauge: Gauge) -> Iterator[Case]:
    def over(values: str) -> dict[str, str]:
        return {name: values if value == "V" else f"{value}x40" for name, value in gauge.series.items()}

    at, later = f"{gauge.after}m", f"{gauge.after + 12}m"
    silence = (gauge.firing,) if gauge.silence_fires else ()
    yield Case(alert=gauge.alert, kind="fires", at=at, series=over(f"{gauge.bad}x40"), firing=(gauge.firing,))
    if gauge.after > 1:
        # shorter than its `for`
        yield Case(alert=gauge.alert, kind="stays quiet", at=f"{gauge.after - 2}m", series=over(f"{gauge.bad}x40"))
    yield Case(alert=gauge.alert, kind="stays quiet", at=at, series=over(f"{gauge.good}x40"))
    yield Case(alert=gauge.alert, kind="resolves", at=later, series=over(f"{gauge.bad}x{gauge.after} {gauge.good}x20"))
    yield Case(alert=gauge.alert, kind="no data", at=at, series={}, firing=silence)
    yield Case(alert=gauge.alert, kind="low traffic", at=at, series={**over(f"{gauge.idle}x40"), DONE: "0x40"})


def _fleet() -> Iterator[Case]:
    name, series = "FleetFiguresMissing", 'performate_oldest_waiting_seconds{instance="a"}'
    yield Case(alert=name, kind="fires", at="20m", series={series: "0x5 stale"}, firing=ONE)
    yield Case(alert=name, kind="stays quiet", at="6m", series={series: "0x10"})
    # a change of leaders
    yield Case(alert=name, kind="stays quiet", at="8m", series={series: "0x3 stale _x2 0x10"})
    yield Case(alert=name, kind="resolves", at="20m", series={series: "0x2 stale _x10 0x10"})
    yield Case(alert=name, kind="no data", at="6m", series={}, firing=ONE)
    yield Case(alert=name, kind="low traffic", at="6m", series={series: "0x10", DONE: "0x10"})


def cases() -> Iterator[Case]:
    yield from _budget()
    yield from _slow()
    yield from _requests()
    yield from _codes()
    yield from _up()
    for gauge in GAUGES:
        yield from _of(gauge)
    yield from _fleet()
