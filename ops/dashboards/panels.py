"""What the dashboards show: panels as plain values. Nothing here knows Grafana."""

from dataclasses import dataclass

USERS = 'synthetic="false"'


@dataclass(frozen=True, kw_only=True)
class Query:
    expr: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`unit` in Grafana's words; `stat`: one number instead of a curve; `line`: a threshold worth a red line."""

    title: str
    queries: tuple[Query, ...]
    unit: str = "short"
    about: str = ""
    stat: bool = False
    line: float | None = None


@dataclass(frozen=True, kw_only=True)
class Board:
    uid: str
    title: str
    shown: tuple[Shown, ...]


def _p(share: float, metric: str, by: str = "", where: str = USERS) -> Query:
    labels = f"le, {by}" if by else "le"
    legend = f"p{share * 100:.0f}" + (f" {{{{{by}}}}}" if by else "")
    return Query(
        expr=f"histogram_quantile({share}, sum by ({labels}) (rate({metric}_bucket{{{where}}}[10m])))", legend=legend
    )


def _q(expr: str, legend: str = "") -> Query:
    return Query(expr=expr, legend=legend)


REQUESTS = "performate_http_request_duration_seconds"
ANALYSIS = "performate_analysis_duration_seconds"
STAGE = "performate_stage_duration_seconds"

SERVICE = Board(
    uid="performate-service",
    title="Performate / service",
    shown=(
        Shown(
            title="Analyses that complete, 3 days (promised: 99.5 %)",
            queries=(_q("1 - performate:analysis_failures:ratio3d"),),
            unit="percentunit",
            stat=True,
        ),
        Shown(
            title="How the pipeline stands (prober)",
            queries=(_q("max by (status) (performate_probe_status)", "{{status}}"),),
            stat=True,
        ),
        Shown(
            title="Budget burn (1: the month lasts exactly)",
            queries=(
                _q("performate:analysis_failures:ratio1h / 0.005", "1 h"),
                _q("performate:analysis_failures:ratio6h / 0.005", "6 h"),
                _q("performate:analysis_failures:ratio3d / 0.005", "3 d"),
            ),
            line=14.4,
        ),
        Shown(
            title="Requests",
            queries=(_q(f"sum by (route) (rate({REQUESTS}_count{{{USERS}}}[5m]))", "{{route}}"),),
            unit="reqps",
        ),
        Shown(
            title="Requests answered with 5xx",
            queries=(_q("performate:http_failures:ratio5m", "5 min"), _q("performate:http_failures:ratio1h", "1 h")),
            unit="percentunit",
            line=0.01,
        ),
        Shown(
            title="Request duration",
            queries=(_p(0.5, REQUESTS), _p(0.95, REQUESTS), _p(0.99, REQUESTS)),
            unit="s",
            about="Requests that are held for a result are in it.",
        ),
        Shown(
            title="Problems by code",
            queries=(
                _q(f"sum by (error_code) (increase(performate_http_problems_total{{{USERS}}}[5m]))", "{{error_code}}"),
            ),
        ),
        Shown(title="Requests in flight", queries=(_q("sum(performate_http_requests_in_flight)"),)),
        Shown(
            title="Bytes of clips through the service",
            queries=(_q(f"sum(rate(performate_upload_bytes_total{{{USERS}}}[5m]))"),),
            unit="Bps",
        ),
    ),
)

PIPELINE = Board(
    uid="performate-pipeline",
    title="Performate / pipeline",
    shown=(
        Shown(
            title="Analyses that end",
            queries=(_q(f"sum by (outcome) (increase(performate_analyses_total{{{USERS}}}[15m]))", "{{outcome}}"),),
        ),
        Shown(
            title="From upload to result, clips of up to 30 s",
            queries=(
                _p(0.5, ANALYSIS, where=f'clip="up_to_30s",{USERS}'),
                _p(0.95, ANALYSIS, where=f'clip="up_to_30s",{USERS}'),
            ),
            unit="s",
            line=120,
        ),
        Shown(title="Stages, p95", queries=(_p(0.95, STAGE, by="stage"),), unit="s"),
        Shown(
            title="Stages that fail",
            queries=(
                _q(
                    f'sum by (stage) (increase({STAGE}_count{{outcome="failed",{USERS}}}[15m]))',
                    "{{stage}}",
                ),
            ),
        ),
        Shown(
            title="Failures and refusals by code",
            queries=(
                _q(
                    f"sum by (error_code) (increase(performate_analysis_failures_total{{{USERS}}}[15m])) > 0",
                    "{{error_code}}",
                ),
            ),
        ),
        Shown(
            title="Scratch that is left",
            queries=(_q("performate_scratch_free_bytes", "{{instance}}"),),
            unit="bytes",
        ),
        Shown(title="Breaker", queries=(_q("max by (breaker) (performate_breaker_open)", "{{breaker}}"),), line=1),
        Shown(
            title="CPU of each worker",
            queries=(_q('rate(process_cpu_seconds_total{job="performate-worker"}[5m])', "{{instance}}"),),
            about="Cores; the decoding children are not in it.",
        ),
        Shown(
            title="Memory of each process",
            queries=(_q('process_resident_memory_bytes{job=~"performate-.*"}', "{{job}} {{instance}}"),),
            unit="bytes",
        ),
    ),
)

QUEUES = Board(
    uid="performate-queues",
    title="Performate / queues and dead letters",
    shown=(
        Shown(
            title="Dead letters",
            queries=(_q("max by (queue) (performate_dead_letters)", "{{queue}}"),),
            stat=True,
            line=1,
        ),
        Shown(
            title="The analysis that waits longest",
            queries=(_q("max(performate_oldest_waiting_seconds)"),),
            unit="s",
            line=600,
        ),
        Shown(title="Messages that wait", queries=(_q("max by (queue) (performate_queue_depth)", "{{queue}}"),)),
        Shown(
            title="Deliveries that end",
            queries=(
                _q(
                    f"sum by (kind, outcome) (rate(performate_consumer_jobs_total{{{USERS}}}[5m]))",
                    "{{kind}} {{outcome}}",
                ),
            ),
        ),
        Shown(
            title="Slots in use",
            queries=(
                _q(
                    "sum by (job) (performate_consumer_jobs_in_flight) / (sum by (job) "
                    "(performate_consumer_jobs_in_flight) + sum by (job) (performate_consumer_slots_free))",
                    "{{job}}",
                ),
            ),
            unit="percentunit",
        ),
        Shown(
            title="Processes",
            queries=(
                _q('sum by (job) (up{job=~"performate-.*"})', "{{job}} up"),
                _q("sum by (job) (performate_consumer_alive)", "{{job}} alive"),
            ),
        ),
        Shown(
            title="Polls: since the last good one",
            queries=(_q("performate_consumer_poll_age_seconds", "{{job}} {{instance}}"),),
            unit="s",
        ),
        Shown(
            title="Receives that fail",
            queries=(_q("sum by (job) (rate(performate_consumer_receive_failures_total[5m]))", "{{job}}"),),
        ),
        Shown(
            title="Event loop lag",
            queries=(_q("performate_consumer_loop_lag_seconds", "{{job}} {{instance}}"),),
            unit="s",
            line=5,
        ),
    ),
)

PROBER = Board(
    uid="performate-prober",
    title="Performate / prober",
    shown=(
        Shown(
            title="How the pipeline stands",
            queries=(_q("max by (status) (performate_probe_status)", "{{status}}"),),
            stat=True,
        ),
        Shown(
            title="Since the last run",
            queries=(_q("time() - max(performate_probe_last_run_timestamp_seconds)"),),
            unit="s",
            stat=True,
        ),
        Shown(
            title="Down, silent",
            queries=(_q("max(performate_probe_down)", "down"), _q("min(performate_probe_silent)", "silent")),
            line=1,
        ),
        Shown(
            title="Failures among the last runs",
            queries=(
                _q("max by (error_code) (performate_probe_recent_failures)", "{{error_code}}"),
                _q("max(performate_probe_recent_runs)", "runs looked at"),
            ),
        ),
        Shown(
            title="The last run",
            queries=(
                _q("max(performate_probe_last_run_seconds)", "whole"),
                _q("max by (stage) (performate_probe_last_stage_seconds)", "{{stage}}"),
            ),
            unit="s",
        ),
        Shown(
            title="Runs of a prober that runs for ever",
            queries=(_q("sum by (result) (increase(performate_prober_runs_total[1h]))", "{{result}}"),),
        ),
        Shown(
            title="Its runs and their stages, p95",
            queries=(
                _p(0.95, "performate_prober_run_duration_seconds", where=""),
                _p(0.95, "performate_prober_stage_duration_seconds", by="stage", where=""),
            ),
            unit="s",
        ),
        Shown(
            title="Its failures",
            queries=(
                _q(
                    "sum by (failed_stage, error_code) (increase(performate_prober_failures_total[1h]))",
                    "{{failed_stage}} {{error_code}}",
                ),
            ),
        ),
    ),
)

COST = Board(
    uid="performate-cost",
    title="Performate / cost",
    shown=(
        Shown(
            title="Vision model, of the day's budget",
            queries=(_q("max(performate_model_budget_spent_ratio)"),),
            unit="percentunit",
            stat=True,
        ),
        Shown(
            title="Probes, of the day's budget",
            queries=(_q("max by (unit) (performate_probe_budget_spent_ratio)", "{{unit}}"),),
            unit="percentunit",
            stat=True,
        ),
        Shown(
            title="Vision model, USD an hour",
            queries=(
                _q("sum by (synthetic) (increase(performate_model_cost_usd_total[1h]))", "synthetic: {{synthetic}}"),
            ),
            unit="currencyUSD",
        ),
        Shown(
            title="An analysis, USD",
            queries=(
                _q(
                    f"sum(increase(performate_model_cost_usd_total{{{USERS}}}[1h])) / "
                    f'sum(increase(performate_analyses_total{{outcome="completed",{USERS}}}[1h]))'
                ),
            ),
            unit="currencyUSD",
        ),
        Shown(
            title="Tokens",
            queries=(_q(f"sum by (kind) (increase(performate_model_tokens_total{{{USERS}}}[1h]))", "{{kind}}"),),
        ),
        Shown(
            title="The model's answers",
            queries=(
                _q(f"sum by (outcome) (increase(performate_model_answers_total{{{USERS}}}[1h]))", "{{outcome}}"),
                _q("sum(increase(performate_model_rejected_claims_total[1h]))", "claims without evidence"),
            ),
        ),
        Shown(
            title="Probes, USD and tokens a day",
            queries=(
                _q("sum(increase(performate_prober_cost_usd_total[1d]))", "USD"),
                _q("sum(increase(performate_prober_tokens_total[1d]))", "tokens"),
            ),
        ),
    ),
)

BOARDS = (SERVICE, PIPELINE, QUEUES, PROBER, COST)
