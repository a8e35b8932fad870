"""A worker is killed, and a page arrives: real processes, Prometheus and Alertmanager, with the rules of ops/alerts.

Only durations are shorter: see tests.alerts.monitoring.
"""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.monitoring import monitored
from tests.alerts.prometheus import needed
from tests.flow.product import free_port, product, wait_for

pytestmark = pytest.mark.timeout(240)


async def test_a_killed_worker_pages_somebody_and_its_return_is_told(tmp_path: Path) -> None:
    needed("prometheus")
    needed("alertmanager")
    port = free_port()
    (tmp_path / "monitoring").mkdir()
    async with product(tmp_path, each={"worker": {"HEALTH_PORT": str(port)}}) as it:
        targets = {"performate-web": int(it.env["PORT"]), "performate-worker": port}
        async with monitored(it, tmp_path / "monitoring", targets, hurried=True) as told:
            labels = {"alertname": "NoConsumers", "job": "performate-worker"}

            async def news(status: str) -> dict[str, Any] | None:
                fitting = (one for one in told if one["status"] == status and labels.items() <= one["labels"].items())
                return next(fitting, None)

            assert await news("firing") is None
            it.stop("worker", signal.SIGKILL)
            page = await wait_for("the page", lambda: news("firing"))
            assert page["labels"]["severity"] == "page"
            assert page["annotations"]["runbook"] == "ops/runbooks/worker.md#noconsumers"
            it.start("worker")
            await wait_for("the end of it", lambda: news("resolved"))
