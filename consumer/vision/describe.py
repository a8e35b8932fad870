"""What the model adds to one analysis: asked once, paid once, believed where it cites what exists.

A model that is away is a matter for the breaker and the queue: the job comes back. One that refuses, that has no
budget left, or that cannot answer this clip, leaves the analysis with its measurements and says so.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog

from consumer.engine.breaker import Breaker, State
from consumer.media.facts import Jpeg, Probe, Shot
from consumer.vision import money
from consumer.vision.answer import Answer, Tokens
from consumer.vision.prompt import (
    PROMPT_VERSION,
    Sheet,
    Wanted,
    asked_with,
    digest,
    grounds_of,
    repair_body,
    request_body,
)
from consumer.vision.said import Grounded, Misformed, grounded, plain, read
from consumer.vision.shots import Shown, shown
from consumer.vision.spending import Budget, Tally
from consumer.vision.stored import Kept, Outcome
from core.error_codes import ErrorCode
from core.failure import Failure
from core.notices import notice
from core.prices import prices_of
from core.record import Record
from core.result import Frame, Measurement, ModelBlock, Usage
from core.settings import Settings
from core.trace import continue_trace

log = structlog.stdlib.get_logger(__name__)
JPEG = Jpeg(long_side=640, quality=80)
PICTURES_LIMIT_S = 30.0
PASSING = frozenset({ErrorCode.MODEL_UNAVAILABLE, ErrorCode.MODEL_RATE_LIMITED, ErrorCode.MODEL_TIMEOUT})
"""The server is away or busy: it says nothing about this clip, and passes."""
WITHOUT = PASSING | {ErrorCode.MODEL_QUOTA_EXHAUSTED, ErrorCode.MODEL_REJECTED, ErrorCode.MODEL_BAD_OUTPUT}
"""What an analysis can go without."""
MOST_REMEMBERED = 1_000


class Model(Protocol):
    """Whom one asks; consumer.vision.client.Client is one."""

    async def ask(self, body: dict[str, Any], *, key: str, traceparent: str) -> Answer:
        """Raises Failure: PASSING, WITHOUT."""


class Shelf(Protocol):
    """Where answers are kept; consumer.vision.stored.Answers is one."""

    async def get(self, analysis_id: str, key: str) -> Kept | None: ...

    async def put(self, analysis_id: str, kept: Kept) -> None: ...


class Cutter(Protocol):
    """What is asked of the decoding process; consumer.sandbox.process.Sandbox is one."""

    async def close_ups(  # as the sandbox spells it
        self, path: Path, probe: Probe, shots: Sequence[Shot], *, out: Path, limit_s: float, jpeg: Jpeg
    ) -> tuple[Frame, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One analysis, measured. `out` is an empty folder for the pictures; all paths absolute."""

    record: Record
    sha256: str
    measured: Measurement
    clip: Path
    probe: Probe
    decoder: Cutter
    out: Path


@dataclass(frozen=True, kw_only=True)
class Described:
    """`measured` has one warning more where the model said nothing. `block` is None where nothing was said or paid."""

    measured: Measurement
    block: ModelBlock | None


class Vision:
    """One a process: its breaker, its pace and its tally are shared by the jobs."""

    def __init__(  # its parts, put together in consumer.vision.opening
        self, *, client: Model, answers: Shelf, breaker: Breaker, budget: Budget, tally: Tally, settings: Settings
    ) -> None:
        self._client = client
        self._answers = answers
        self._breaker = breaker
        self._budget = budget
        self._tally = tally
        self._settings = settings
        self._prices = prices_of(settings.vision_prices)
        self._timed_out: Counter[str] = Counter()

    async def describe(self, asked: Asked) -> Described:
        """Raises Failure: what the breaker and the queue must know of (PASSING, while there are tries left), and with
        REQUIRE_MODEL everything else; STORAGE_UNAVAILABLE, STORE_UNAVAILABLE, DECODER_CRASHED, DECODER_TIMEOUT."""
        try:
            return await self._described(asked)
        except Failure as failure:
            if failure.code not in WITHOUT:
                raise
            self._tally.answers[failure.code, asked.record.synthetic] += 1
            log.warning("vision.failed", error_code=failure.code, detail=failure.detail)
            if self._settings.require_model or self._is_worth_another_try(failure, asked.record):
                raise
            return Described(measured=_warned(asked.measured, failure.code), block=None)

    async def _described(self, asked: Asked) -> Described:
        key = question_key(asked.record, asked.sha256, asked.measured, self._settings)
        frames = shown(asked.measured, blur=self._settings.vision_blur_faces)
        if not frames:
            return Described(measured=_warned(asked.measured, "NO_FRAMES_FOR_MODEL"), block=None)
        kept = await self._answers.get(asked.record.analysis_id, key)
        bought = kept is None or (kept.outcome != "ok" and self._settings.require_model)
        if kept is not None and not bought:
            log.info("vision.answer.found", request_sha256=kept.request_sha256)
        else:
            if not asked.record.synthetic:
                await self._budget.refuse_spent()
            kept = await self._bought(key, asked, frames)
        return self._result(kept, asked, frames, bought=bought)

    async def _bought(self, key: str, asked: Asked, frames: Sequence[Shown]) -> Kept:
        sheets = await pictures(asked, frames)
        record, sport = asked.record, asked.record.sport_type
        body = request_body(
            asked.measured, sheets, sport=sport, language=record.language, wanted=wanted(self._settings)
        )
        body, answer, outcome, tokens = await self._asked(body, asked)
        kept = Kept(
            key=key,
            request_sha256=digest(body),
            outcome=outcome,
            answer=answer.text,
            refusal=_refusal(answer),
            model=answer.model,
            input_tokens=tokens.input,
            cached_tokens=tokens.cached,
            output_tokens=tokens.output,
            cost_usd=self._cost(answer.model, tokens),
        )
        # before anything else: from here on a crash costs nothing
        await self._answers.put(record.analysis_id, kept)
        return kept

    async def _asked(self, body: dict[str, Any], asked: Asked) -> tuple[dict[str, Any], Answer, Outcome, Tokens]:
        """The question that was answered last, its answer, what became of it, and the tokens of all answers."""
        answer = await self._call(body, asked)
        outcome, problems = judged(answer)
        if outcome != "bad_output":
            return body, answer, outcome, answer.tokens
        log.warning("vision.answer.misformed", problems=problems)
        repaired = repair_body(body, answer.text, problems)
        try:
            second = await self._call(repaired, asked)
        except Failure as failure:
            if failure.code not in WITHOUT:
                raise
            # the first answer is paid for, and is what there is
            log.warning("vision.repair.failed", error_code=failure.code, detail=failure.detail)
            return body, answer, outcome, answer.tokens
        return repaired, second, judged(second)[0], answer.tokens.plus(second.tokens)

    async def _call(self, body: dict[str, Any], asked: Asked) -> Answer:
        synthetic, analysis_id = asked.record.synthetic, asked.record.analysis_id
        try:
            trace = continue_trace(asked.record.traceparent)
            answer = await self._client.ask(body, key=digest(body), traceparent=trace.traceparent)
        except Failure as failure:
            self._tell_breaker(failure, analysis_id)
            raise
        self._breaker.succeeded()
        self._timed_out.pop(analysis_id, None)
        cost_usd = self._cost(answer.model, answer.tokens)
        self._tally.used(answer.tokens, cost_usd, synthetic=synthetic)
        if not synthetic:
            await self._budget.spend(answer.tokens, cost_usd)
        return answer

    def _tell_breaker(self, failure: Failure, analysis_id: str) -> None:
        """A time-out may be this clip's own fault: the same analysis is counted once only, until an answer comes. A
        refusal of any other kind comes from a server that is there."""
        if failure.code is ErrorCode.MODEL_TIMEOUT:
            if len(self._timed_out) > MOST_REMEMBERED:
                self._timed_out.clear()
            self._timed_out[analysis_id] += 1
            if self._timed_out[analysis_id] > 1:
                return
        if failure.code in self._breaker.codes:
            self._breaker.failed(failure.retry_after)
        else:
            self._breaker.succeeded()

    def _is_worth_another_try(self, failure: Failure, record: Record) -> bool:
        if failure.code not in PASSING:
            return False
        tries = self._settings.max_attempts
        if failure.code is ErrorCode.MODEL_TIMEOUT and self._timed_out[record.analysis_id] >= tries:
            return False
        return record.attempt < tries or self._breaker.state is not State.CLOSED

    def _cost(self, model: str, tokens: Tokens) -> float | None:
        """By the snapshot that answered, else by the model that was asked for: an alias has its own name there."""
        found = money.cost(model, tokens, self._prices)
        return money.cost(self._settings.vision_model, tokens, self._prices) if found is None else found

    def _result(self, kept: Kept, asked: Asked, frames: Sequence[Shown], *, bought: bool) -> Described:
        believed = _believed(kept, asked.measured, frames, asked.record)
        block = ModelBlock(
            provider="openai" if self._settings.openai_base_url is None else "openai-compatible",
            snapshot=plain(kept.model) or self._settings.vision_model,
            usage=Usage(input_tokens=kept.input_tokens, output_tokens=kept.output_tokens),
            cost_usd=kept.cost_usd,
            refusal=kept.refusal,
            claims=believed.claims,
            difficulty=believed.difficulty,
            rejected_claims=believed.rejected,
        )
        self._tally.answers[kept.outcome, asked.record.synthetic] += 1
        self._tally.rejected += believed.rejected
        log.info(
            "vision.completed",
            outcome=kept.outcome,
            # false: paid for by an earlier try, whose line counts
            bought=bought,
            model=block.snapshot,
            input_tokens=kept.input_tokens,
            cached_tokens=kept.cached_tokens,
            output_tokens=kept.output_tokens,
            cost_usd=kept.cost_usd,
            claims=len(believed.claims),
            rejected_claims=believed.rejected,
        )
        if self._settings.require_model and kept.outcome != "ok":
            code = ErrorCode.MODEL_REFUSED if kept.outcome == "refused" else ErrorCode.MODEL_BAD_OUTPUT
            raise Failure(code, kept.outcome)
        failed = kept.outcome in ("truncated", "bad_output")
        measured = _warned(asked.measured, ErrorCode.MODEL_BAD_OUTPUT) if failed else asked.measured
        return Described(measured=measured, block=block)


def question_key(record: Record, sha256: str, measured: Measurement, settings: Settings) -> str:
    """Of everything that decides what is asked, but for what two runs of one analyzer may differ in."""
    parts = (
        sha256,
        record.sport_type,
        record.language,
        measured.analyzer,
        f"prompt-{PROMPT_VERSION}",
        *asked_with(settings),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def wanted(settings: Settings) -> Wanted:
    return Wanted(
        model=settings.vision_model,
        max_tokens=settings.vision_max_tokens,
        # OpenAI's own: other servers refuse the field or ignore it
        detail=settings.openai_base_url is None,
    )


async def pictures(asked: Asked, frames: Sequence[Shown]) -> tuple[Sheet, ...]:
    """The frames' close-ups, cut by the decoding child: nothing that came out of the clip is decoded here."""
    made = await asked.decoder.close_ups(
        asked.clip, asked.probe, [one.shot for one in frames], out=asked.out, limit_s=PICTURES_LIMIT_S, jpeg=JPEG
    )
    paths = [asked.out / f"{frame.id}.jpg" for frame in made]
    bodies = await asyncio.to_thread(lambda: [path.read_bytes() for path in paths])
    return tuple(
        Sheet(shown=one, jpeg=body, size=(frame.width, frame.height))
        for one, body, frame in zip(frames, bodies, made, strict=True)
    )


def judged(answer: Answer) -> tuple[Outcome, str]:
    """What became of the question, and what is wrong with the answer's form."""
    if _refusal(answer) is not None:
        return "refused", ""
    if answer.finish == "length":
        return "truncated", ""
    try:
        read(answer.text)
    except Misformed as error:
        return "bad_output", str(error)
    return "ok", ""


def _refusal(answer: Answer) -> str | None:
    if answer.refusal is not None:
        return plain(answer.refusal) or "refused"
    return "content_filter" if answer.finish == "content_filter" else None


def _believed(kept: Kept, measured: Measurement, frames: Sequence[Shown], record: Record) -> Grounded:
    """Held against the measurement as it is now, which another run may have made than the one that asked."""
    if kept.outcome != "ok":
        return Grounded(claims=(), difficulty=None, rejected=0)
    return grounded(read(kept.answer), grounds_of(measured, frames, record.sport_type))


def _warned(measured: Measurement, code: str) -> Measurement:
    warnings = (*measured.quality.warnings, notice(code))
    return measured.model_copy(update={"quality": measured.quality.model_copy(update={"warnings": warnings})})
