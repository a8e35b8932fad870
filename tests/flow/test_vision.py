"""A clip goes in, cited claims come out: the real processes, and a model's server on a real socket."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from llmock.pytest_plugin import LLMock
from llmock.testing import LLMockServer

from core.aws.clients import open_clients
from core.aws.posts import DynamoBreakers
from core.ports import VISION_MODEL
from core.settings import load_settings
from tests.figure import Climber, drawn_climber
from tests.flow.held_aws import held_aws
from tests.flow.product import Product, product, wait_for
from tests.model_server import fails, model_server

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]
MODEL = {"VISION_MODEL": "test-2026-01-01", "VISION_PRICES": "test-2026-01-01=10/1/100"}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "drawn.mp4"
    drawn_climber(path, Climber(size=(360, 640), seconds=5.0))
    return path


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory, llmock_server: LLMockServer) -> AsyncIterator[Product]:
    env = {**MODEL, "OPENAI_BASE_URL": llmock_server.base_url("openai")}
    async with product(tmp_path_factory.mktemp("product"), env=env) as running:
        yield running


async def test_the_claims_cite_frames_and_metrics_of_the_result(
    it: Product, llmock_server: LLMockServer, drawn: Path
) -> None:
    analysis_id = await it.send(drawn)
    assert (await it.ended(analysis_id))["status"] == "completed"
    _, found = await it.get(f"/analysis/{analysis_id}")
    model, frames = found["model"], {frame["id"] for frame in found["frames"]}
    assert (model["provider"], model["refusal"]) == ("openai-compatible", None)
    assert model["claims"]
    for claim in model["claims"]:
        assert claim["frame_ids"] or claim["metric_ids"]
        assert set(claim["frame_ids"]) <= frames
        assert all(found["metrics"][name]["value"] is not None for name in claim["metric_ids"])
    texts = [insight["message"] for insight in found["comprehensive_insights"] if insight["category"] == "model"]
    assert texts == [claim["text"] for claim in model["claims"]]
    mock = LLMock(llmock_server)
    assert len(mock.requests) == 1
    mock.assert_resilient(strict=True)
    assert drawn.name not in str(mock.requests)
    (line,) = it.events("vision.completed", "worker")
    assert line["analysis_id"] == analysis_id
    assert line["cost_usd"] == model["cost_usd"] > 0


async def test_a_worker_that_is_killed_pays_again_only_for_an_answer_that_it_could_not_keep(
    it: Product, drawn: Path
) -> None:
    """Killed before the answer is kept, and once more after that, before there is a result: two calls, not three."""
    aws = it.env["AWS_ENDPOINT_URL"]
    it.stop("worker")
    async with model_server() as server:
        it.env["OPENAI_BASE_URL"] = server.url
        analysis_id = ""
        for ending, calls in (("/model.json", 1), ("/result.json", 2)):
            async with held_aws(it.http, aws, ending) as held:
                it.env["AWS_ENDPOINT_URL"] = held.url
                it.start("worker")
                analysis_id = analysis_id or await it.send(drawn)
                async with asyncio.timeout(90):
                    await held.held.wait()
                assert len(server.asked) == calls
                it.stop("worker", signal.SIGKILL)
        it.env["AWS_ENDPOINT_URL"] = aws
        it.start("worker")
        assert (await it.ended(analysis_id, limit=90))["status"] == "completed"
    assert len(server.asked) == 2
    _, found = await it.get(f"/analysis/{analysis_id}")
    assert len(found["model"]["claims"]) == 1
    assert it.events("vision.answer.found", "worker")[-1]["analysis_id"] == analysis_id


async def test_a_model_that_is_away_holds_the_queue_and_its_dead_letters_until_it_is_back(
    it: Product, drawn: Path
) -> None:
    it.stop("worker")
    away = fails(503, headers={"retry-after-ms": "1"})
    settings = load_settings(it.env)
    async with model_server(otherwise=away) as server, open_clients(settings) as clients:
        board = DynamoBreakers(clients.dynamodb, settings.table)
        it.env |= {"OPENAI_BASE_URL": server.url, "WORKER_CONCURRENCY": "3"}
        it.start("worker")
        ids = [await it.send(drawn) for _ in range(3)]
        await wait_for("the breaker to be told of", lambda: board.open_until(VISION_MODEL), limit=60)
        argv = [sys.executable, "-c", "from ops.cli import main; main()", "dlq", "redrive", "--queue", "analysis"]
        redrive = await asyncio.create_subprocess_exec(*argv, env=it.env, stderr=asyncio.subprocess.PIPE)
        _, said = await redrive.communicate()
        assert (redrive.returncode, b"the breaker vision-model is open" in said) == (3, True), said
        assert {(await it.status(one))["status"] for one in ids} <= {"pending", "processing"}
        server.otherwise = None
        for one in ids:
            assert (await it.ended(one, limit=90))["status"] == "completed"
            assert (await it.get(f"/analysis/{one}"))[1]["model"]["claims"]
        assert await board.open_until(VISION_MODEL) is None
