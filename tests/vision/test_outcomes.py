"""What becomes of an analysis, for everything that a model's server can answer; over a real socket."""

from pathlib import Path
from typing import Any

import pytest

from consumer.engine.breaker import State
from consumer.vision.prompt import digest
from consumer.vision.transport import MAX_ANSWER_BYTES
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.fakes import AN_ID, a_record
from tests.model_server import (
    Say,
    a_claim,
    a_reply,
    cuts,
    drips,
    fails,
    model_server,
    raw,
    refuses,
    says,
    stalls,
    uncounted,
)
from tests.vision.rig import Studio, a_measurement

BAD = [
    "no json",
    "[]",
    '{"claims": []}',
    '{"claims": [], "difficulty": null, "score": 100}',
    '{"claims": "none", "difficulty": null}',
    '{"claims": [{"kind": "praise", "text": "x", "frame_ids": [], "metric_ids": [], "confidence": 1}],'
    '"difficulty": null}',
    '{"claims": [], "difficulty": null}}, "quality": {"confidence": 1}}',
    "[" * 100_000,
    "",
]


def codes(described: Any) -> list[str]:
    return [warning.code for warning in described.measured.quality.warnings]


async def test_cited_claims_get_into_the_result_with_what_they_cost(tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> object:
        sure = {"system": "fontainebleau", "low": "6a", "high": "6B", "confidence": 0.4}
        seen = a_claim(body, kind="observation", frame_ids=["f01", "f01", "f00"], metric_ids=[])
        return a_reply(body, a_claim(body), seen, difficulty=sure)

    async with model_server(says(reply)) as server:
        studio = Studio(folder=tmp_path, url=server.url)
        described = await studio.describe()
    block = described.block
    assert block is not None
    assert [(claim.kind, claim.frame_ids, claim.metric_ids, claim.confidence) for claim in block.claims] == [
        ("tip", ("f00",), ("gie",), 0.7),
        ("observation", ("f01", "f00"), (), 0.7),
    ]
    assert block.difficulty is not None
    assert (block.difficulty.low, block.difficulty.high, block.difficulty.system) == ("6a", "6B", "fontainebleau")
    assert (block.usage.input_tokens, block.usage.output_tokens) == (3000, 200)
    # 2,000 fresh at 0.75, 1,000 cached at 0.075, 200 out at 4.50, in USD per million
    assert block.cost_usd == pytest.approx(0.002475)
    assert described.measured == a_measurement()
    assert studio.tally.answers == {("ok", False): 1}
    assert len(server.asked) == 1
    sent = server.headers[0]
    assert sent["traceparent"].split("-")[1] == a_record().traceparent.split("-")[1]
    assert sent["Idempotency-Key"] == digest(server.asked[0])


async def test_claims_that_cite_what_is_not_there_are_rejected_and_counted(tmp_path: Path) -> None:
    def reply(body: dict[str, Any]) -> object:
        return a_reply(
            body,
            a_claim(body, frame_ids=["f77"]),
            a_claim(body, metric_ids=["beauty"]),
            a_claim(body, metric_ids=["cut_feet"]),
            a_claim(body, frame_ids=[], metric_ids=[]),
            a_claim(body, text="x" * 281),
            a_claim(body, text=" \x00\u202e\n "),
            a_claim(body, confidence=1.5),
            a_claim(body, text="Good\r\nfeet \u202e here."),
            difficulty={"system": "v", "low": "6a", "high": "V4", "confidence": 0.9},
        )

    async with model_server(says(reply)) as server:
        studio = Studio(folder=tmp_path, url=server.url)
        block = (await studio.describe()).block
    assert block is not None
    assert [claim.text for claim in block.claims] == ["Good feet here."]
    assert (block.rejected_claims, studio.tally.rejected, block.difficulty) == (7, 7, None)


async def test_a_refusal_is_a_result(tmp_path: Path) -> None:
    async with model_server(refuses("I can't help\nwith that.")) as server:
        described = await Studio(folder=tmp_path, url=server.url).describe()
    assert described.block is not None
    assert (described.block.refusal, described.block.claims) == ("I can't help with that.", ())
    assert described.block.cost_usd == pytest.approx(0.002475)
    assert codes(described) == []


async def test_a_content_filter_is_a_refusal(tmp_path: Path) -> None:
    async with model_server(says("", finish="content_filter")) as server:
        described = await Studio(folder=tmp_path, url=server.url).describe()
    assert described.block is not None
    assert described.block.refusal == "content_filter"


async def test_an_answer_that_was_cut_at_its_length_says_nothing(tmp_path: Path) -> None:
    async with model_server(says('{"claims": [', finish="length")) as server:
        described = await Studio(folder=tmp_path, url=server.url).describe()
    assert described.block is not None
    assert (described.block.claims, codes(described)) == ((), ["MODEL_BAD_OUTPUT"])
    assert len(server.asked) == 1


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
async def test_a_bad_form_is_repaired_once_and_both_answers_are_paid(tmp_path: Path, bad: str) -> None:
    async with model_server(says(bad), says(a_reply)) as server:
        studio = Studio(folder=tmp_path, url=server.url)
        block = (await studio.describe()).block
    assert block is not None
    assert (len(block.claims), block.usage.input_tokens) == (1, 6000)
    first, second = server.asked
    assert second["messages"][:2] == first["messages"]
    assert [message["role"] for message in second["messages"]] == ["system", "user", "assistant", "user"]
    assert "not in the form" in second["messages"][3]["content"]


async def test_two_bad_forms_are_the_end_of_it(tmp_path: Path) -> None:
    async with model_server(says("no"), says("no")) as server:
        described = await Studio(folder=tmp_path, url=server.url).describe()
    assert described.block is not None
    assert (described.block.claims, described.block.usage.output_tokens) == ((), 400)
    assert codes(described) == ["MODEL_BAD_OUTPUT"]
    assert len(server.asked) == 2


BROKEN: list[tuple[Say, str, int]] = [
    (fails(401, "invalid_api_key"), "MODEL_REJECTED", 1),
    (fails(400, "invalid_image"), "MODEL_REJECTED", 1),
    (fails(404, "model_not_found"), "MODEL_REJECTED", 1),
    (fails(429, "insufficient_quota"), "MODEL_QUOTA_EXHAUSTED", 1),
    (raw(b"<html>hello</html>", content_type="text/html"), "MODEL_BAD_OUTPUT", 1),
    (raw(b'{"choices": []}'), "MODEL_BAD_OUTPUT", 1),
    (raw(b'{"choices": "no"}'), "MODEL_BAD_OUTPUT", 1),
    (raw(b"null"), "MODEL_BAD_OUTPUT", 1),
    (raw(b"{"), "MODEL_BAD_OUTPUT", 1),
    (raw(b" " * (MAX_ANSWER_BYTES + 1)), "MODEL_BAD_OUTPUT", 1),
]


@pytest.mark.parametrize(("say", "code", "calls"), BROKEN, ids=range(len(BROKEN)))
async def test_what_no_retry_mends_leaves_the_measurements_at_once(
    tmp_path: Path, say: Say, code: str, calls: int
) -> None:
    async with model_server(otherwise=say) as server:
        studio = Studio(folder=tmp_path, url=server.url)
        described = await studio.describe()
    assert (described.block, codes(described), len(server.asked)) == (None, [code], calls)
    assert studio.breaker.state is State.CLOSED
    warned = described.measured.quality.model_copy(update={"warnings": ()})
    assert described.measured.model_copy(update={"quality": warned}) == a_measurement()


AWAY: list[tuple[Say, ErrorCode]] = [
    (fails(500, headers={"retry-after-ms": "1"}), ErrorCode.MODEL_UNAVAILABLE),
    (fails(503, headers={"retry-after": "0.01"}), ErrorCode.MODEL_UNAVAILABLE),
    (cuts, ErrorCode.MODEL_UNAVAILABLE),
    (stalls, ErrorCode.MODEL_TIMEOUT),
    (drips, ErrorCode.MODEL_TIMEOUT),
    (fails(429, "rate_limit_exceeded", headers={"retry-after": "0.01"}), ErrorCode.MODEL_RATE_LIMITED),
]


@pytest.mark.parametrize(("say", "code"), AWAY, ids=[code.lower() + str(at) for at, (_, code) in enumerate(AWAY)])
async def test_what_passes_brings_the_job_back_and_on_its_last_try_a_warning(
    tmp_path: Path, say: Say, code: ErrorCode
) -> None:
    async with model_server(otherwise=say) as server:
        studio = Studio(
            folder=tmp_path,
            url=server.url,
            changes={"vision_timeout_s": 0.1, "vision_limit_s": 1 if say is drips else 5},
        )
        with pytest.raises(Failure) as failed:
            await studio.describe(attempt=1)
        assert failed.value.code is code
        assert "secret" not in str(failed.value)
        described = await studio.describe(attempt=3)
    assert codes(described) == [code]
    assert described.block is None
    assert AN_ID not in str(studio.counters.held)


async def test_a_long_wish_to_be_left_alone_is_not_sat_out_here(tmp_path: Path) -> None:
    async with model_server(otherwise=fails(429, "slow_down", headers={"retry-after": "77"})) as server:
        studio = Studio(folder=tmp_path, url=server.url)
        with pytest.raises(Failure) as failed:
            await studio.describe()
        assert (failed.value.retry_after, len(server.asked)) == (77.0, 1)
        assert studio.pace.wait_s > 70
        with pytest.raises(Failure, match="MODEL_RATE_LIMITED"):
            await studio.describe()
        assert len(server.asked) == 1, "the second was not even sent"


async def test_the_servers_own_limits_are_kept(tmp_path: Path) -> None:
    soon = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "300ms"}
    async with model_server(says(a_reply, headers=soon)) as server:
        studio = Studio(folder=tmp_path, url=server.url)
        await studio.describe()
        assert 0.1 < studio.pace.wait_s <= 0.3
        later = {"x-ratelimit-remaining-tokens": "3199", "x-ratelimit-reset-tokens": "6m0s"}
        server.script.append(says(a_reply, headers=later))
        await studio.describe(analysis_id="another")
    assert 350 < studio.pace.wait_s <= 360


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (refuses("no"), ErrorCode.MODEL_REFUSED),
        (says("no"), ErrorCode.MODEL_BAD_OUTPUT),
        (fails(429, "insufficient_quota"), ErrorCode.MODEL_QUOTA_EXHAUSTED),
        (fails(401), ErrorCode.MODEL_REJECTED),
    ],
)
async def test_only_where_a_model_is_required_its_silence_is_a_failure(
    tmp_path: Path, say: Say, code: ErrorCode
) -> None:
    async with model_server(otherwise=say) as server:
        with pytest.raises(Failure) as failed:
            await Studio(folder=tmp_path, url=server.url, changes={"require_model": True}).describe(attempt=3)
    assert failed.value.code is code


async def test_a_model_without_a_price_costs_null(tmp_path: Path) -> None:
    async with model_server() as server:
        block = (await Studio(folder=tmp_path, url=server.url, changes={"vision_model": "qwen"}).describe()).block
    assert block is not None
    assert (block.cost_usd, block.usage.input_tokens) == (None, 3000)


async def test_an_answer_without_usage_is_taken(tmp_path: Path) -> None:
    async with model_server(uncounted(a_reply)) as server:
        block = (await Studio(folder=tmp_path, url=server.url).describe()).block
    assert block is not None
    assert (block.usage.input_tokens, block.cost_usd, len(block.claims)) == (0, None, 1)
