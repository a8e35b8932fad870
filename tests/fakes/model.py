"""A vision model in memory."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from consumer.vision.answer import Answer, Tokens
from core.failure import Failure

TOKENS = Tokens(input=3000, cached=1000, output=200)


@dataclass(kw_only=True)
class FakeModel:
    """Answers after `takes_s` with one claim, about the first frame; `trouble` says what goes wrong with a call, at its
    end. `asked` counts the questions by their key, `calls` are the moments at which they came."""

    takes_s: float = 5.0
    trouble: Callable[[], Failure | None] = lambda: None
    asked: Counter[str] = field(default_factory=Counter)
    calls: list[float] = field(default_factory=list)

    async def ask(self, body: dict[str, Any], *, key: str, traceparent: str) -> Answer:
        self.asked[key] += 1
        self.calls.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.takes_s)
        failure = self.trouble()
        if failure is not None:
            raise failure
        claim = body["response_format"]["json_schema"]["schema"]["$defs"]["SaidClaim"]["properties"]
        said = {
            "kind": "tip",
            "text": "Look at your feet.",
            "frame_ids": claim["frame_ids"]["items"]["enum"][:1],
            "metric_ids": [],
            "confidence": 0.5,
        }
        text = json.dumps({"claims": [said], "difficulty": None})
        return Answer(text=text, refusal=None, finish="stop", model=body["model"], tokens=TOKENS)
