"""A clip goes in, cited claims come out: the real processes, and a model's server on a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from llmock.testing import LLMockServer

from tests.figure import Climber, drawn_climber
from tests.flow.product import Product, product

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
CLIMBER = Climber(size=(360, 640), seconds=6.0)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "drawn.mp4"
    drawn_climber(path, CLIMBER)
    return path


@pytest.fixture(scope="module")
def model() -> AsyncIterator[LLMockServer]:
    with LLMockServer() as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def it(tmp_path_factory: pytest.TempPathFactory, model: LLMockServer) -> AsyncIterator[Product]:
    env = {
        "OPENAI_BASE_URL": model.base_url("openai"),
        "HEALTH_PORT": "0",
        "VISION_PRICES": "test-1=1000/100/1000",
        "VISION_MODEL": "test-1",
    }
    async with product(tmp_path_factory.mktemp("product"), env=env) as running:
        yield running


async def test_the_claims_cite_frames_and_metrics_of_the_result(it: Product, model: LLMockServer, drawn: Path) -> None:
    analysis_id = await it.send(drawn)
    assert (await it.ended(analysis_id))["status"] == "completed"
    _, found = await it.get(f"/analysis/{analysis_id}")
    print(found["model"], found["quality"])
    ids = {frame["id"] for frame in found["frames"]}
    assert found["model"]["claims"]
    for claim in found["model"]["claims"]:
        assert claim["frame_ids"] or claim["metric_ids"]
        assert set(claim["frame_ids"]) <= ids
        assert all(found["metrics"][name]["value"] is not None for name in claim["metric_ids"])
