"""What Prometheus reads, and what is measured of each request. One registry an application: nothing is global."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from core.error_codes import ErrorCode

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})


class Metrics:
    """Labels come from fixed sets only (route templates, known methods, catalogue codes): their number is bounded.
    `synthetic` keeps the prober's requests out of the users' figures."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Histogram(
            "performate_http_request_duration_seconds",
            "Answered requests and how long they took",
            ("method", "route", "status", "synthetic"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._problems = Counter(
            "performate_http_problems",
            "Error bodies by their code in the catalogue",
            ("error_code", "synthetic"),
            registry=self._registry,
        )
        self._uploaded = Counter(
            "performate_upload_bytes",
            "Bytes of clips that went through this service",
            ("synthetic",),
            registry=self._registry,
        )
        self.in_flight = Gauge("performate_http_requests_in_flight", "Requests in work", registry=self._registry)

    def request_completed(self, *, method: str, route: str, status: int, synthetic: bool, seconds: float) -> None:
        self.same_requests(method=method, route=route, status=status, synthetic=synthetic)(seconds)

    def same_requests(self, *, method: str, route: str, status: int, synthetic: bool) -> Callable[[float], None]:
        """`request_completed` for requests that differ in nothing but their seconds."""
        known = method if method in METHODS else "other"
        return self._requests.labels(known, route, str(status), _flag(synthetic)).observe

    def problem_answered(self, code: ErrorCode, *, synthetic: bool) -> None:
        self._problems.labels(code, _flag(synthetic)).inc()

    def clip_stored(self, size: int, *, synthetic: bool) -> None:
        self._uploaded.labels(_flag(synthetic)).inc(size)

    def watch(self, collector: Collector) -> None:
        """What it has to say is read with each scrape."""
        self._registry.register(collector)

    def exposition(self) -> bytes:
        return generate_latest(self._registry)


def _flag(value: bool) -> str:
    return "true" if value else "false"
