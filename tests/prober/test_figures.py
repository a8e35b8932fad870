"""What a prober that runs for ever counts, and the port where it tells."""

import socket

import aiohttp
import pytest

from core.error_codes import ErrorCode
from core.health_port import PortTaken
from core.settings import Settings, load_settings
from prober.figures import Figures, metrics_port
from tests.flow.product import free_port
from tests.prober.examples import a_run
from tests.promises.test_16_liveness import samples


def on(port: int) -> Settings:
    return load_settings({"BUCKET": "b", "HEALTH_PORT": str(port)})


async def read(port: int) -> dict[str, list[tuple[dict[str, str], float]]]:
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 200
        return samples(await answer.text())


async def test_runs_are_counted_by_their_result_stage_and_code() -> None:
    figures, port = Figures(), free_port()
    async with metrics_port(on(port), figures):
        before = await read(port)
        assert {labels["result"]: value for labels, value in before["performate_prober_runs_total"]} == {
            "pass": 0,
            "warn": 0,
            "fail": 0,
            "cancelled": 0,
        }
        figures.ended(a_run(), usd=0.01, tokens=300)
        figures.ended(a_run("fail", error_code=ErrorCode.PROBE_WRONG_ANSWER, failed_stage="read"), usd=0.02, tokens=100)
        found = await read(port)
    runs = {labels["result"]: value for labels, value in found["performate_prober_runs_total"]}
    assert (runs["pass"], runs["fail"]) == (1, 1)
    assert found["performate_prober_failures_total"] == [
        ({"failed_stage": "read", "error_code": "PROBE_WRONG_ANSWER"}, 1)
    ]
    assert found["performate_prober_cost_usd_total"] == [({}, pytest.approx(0.03))]
    assert found["performate_prober_tokens_total"] == [({}, 400)]
    stages = {labels["stage"] for labels, _ in found["performate_prober_stage_duration_seconds_count"]}
    assert {"queue", "analyze"} <= stages


async def test_nobody_listens_where_the_port_is_0() -> None:
    async with metrics_port(on(0), Figures()):
        pass


async def test_a_port_that_is_taken_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortTaken, match=r"HEALTH_PORT .* is taken"):
            async with metrics_port(on(taken.getsockname()[1]), Figures()):
                pass
