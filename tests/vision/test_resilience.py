"""How the client behaves towards a server in trouble, graded by somebody else: llmock."""

import time
from pathlib import Path

import pytest
from llmock.pytest_plugin import LLMock
from llmock.testing import LLMockServer

from core.error_codes import ErrorCode
from core.failure import Failure
from tests.vision.rig import Studio


@pytest.fixture
def mock(llmock_server: LLMockServer) -> LLMock:
    return LLMock(llmock_server).reset()


def studio(mock: LLMock, folder: Path, **changes: object) -> Studio:
    return Studio(folder=folder, url=mock.base_url(), changes={"vision_timeout_s": 5, **changes})


async def test_a_plain_question_is_answered_in_the_form(mock: LLMock, tmp_path: Path) -> None:
    block = (await studio(mock, tmp_path).describe()).block
    assert block is not None
    assert block.claims
    assert all(claim.frame_ids or claim.metric_ids for claim in block.claims)
    body = mock.last_request.body
    images = [part for part in body["messages"][1]["content"] if part["type"] == "image_url"]
    assert len(images) == 7
    mock.assert_resilient(strict=True)


async def test_a_retry_after_is_waited_for(mock: LLMock, tmp_path: Path) -> None:
    mock.rate_limit(times=1, retry_after=1)
    began = time.monotonic()
    block = (await studio(mock, tmp_path).describe()).block
    assert block is not None
    assert time.monotonic() - began >= 1
    assert [record.status for record in mock.requests] == [429, 200]
    mock.assert_resilient(strict=True)


@pytest.mark.parametrize("status", [500, 503])
async def test_a_server_error_is_tried_again_with_growing_pauses(mock: LLMock, tmp_path: Path, status: int) -> None:
    mock.fail(status, times=2)
    assert (await studio(mock, tmp_path).describe()).block is not None
    assert [record.status for record in mock.requests] == [status, status, 200]
    mock.assert_resilient(strict=True)


@pytest.mark.parametrize("status", [400, 401, 404])
async def test_a_clients_error_is_not_tried_again(mock: LLMock, tmp_path: Path, status: int) -> None:
    mock.fail(status, times=None)
    described = await studio(mock, tmp_path).describe()
    assert [warning.code for warning in described.measured.quality.warnings] == ["MODEL_REJECTED"]
    assert len(mock.requests) == 1
    mock.assert_resilient(strict=True)


async def test_an_outage_is_given_up_after_three_tries(mock: LLMock, tmp_path: Path) -> None:
    mock.outage()
    one = studio(mock, tmp_path)
    with pytest.raises(Failure) as failed:
        await one.describe()
    assert failed.value.code is ErrorCode.MODEL_UNAVAILABLE
    assert len(mock.requests) == 3
    mock.assert_resilient(strict=True)


async def test_a_slow_answer_is_waited_for_and_a_stalled_one_is_not(mock: LLMock, tmp_path: Path) -> None:
    mock.delay(0.5)
    assert (await studio(mock, tmp_path).describe()).block is not None
    mock.delay(5, times=None)
    folder = tmp_path / "another"
    folder.mkdir()
    with pytest.raises(Failure) as failed:
        await studio(mock, folder, vision_timeout_s=0.2, vision_limit_s=1).describe(analysis_id="another")
    assert failed.value.code is ErrorCode.MODEL_TIMEOUT
    mock.assert_resilient()
