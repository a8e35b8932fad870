"""Telling people: on the flip to down, on the flip to up, and once a day while it lasts. Always to the log, and to one
address where there is one: our JSON with an HMAC, or what Slack takes."""

import asyncio
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Literal

import aiohttp
import structlog

from core.errors import catalogue
from core.settings import Settings
from core.verdicts import Alarm, Board, Run

SIGNATURE = "X-Performate-Signature"
LIMIT_S = 10.0
WORDS = {
    "down": "the pipeline is down",
    "up": "the pipeline is up again",
    "reminder": "the pipeline is still down",
}

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Notifier:
    """`url` None: log only."""

    url: str | None
    shape: Literal["json", "slack"]
    secret: str

    async def send(self, alarm: Alarm, board: Board) -> bool:
        """False when the address did not take it: the next run tries again. A receiver that was told twice sees it
        by the alarm's id."""
        words = {"kind": alarm.kind, "alarm_id": alarm.alarm_id, "since": board.since}
        (_log.info if alarm.kind == "up" else _log.error)("probe.alarm", **words, **facts_of(board.last_failure))
        if self.url is None:
            return True
        body, headers = self.message(alarm, board)
        try:
            async with (
                asyncio.timeout(LIMIT_S),
                aiohttp.ClientSession() as http,
                http.post(self.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                taken = answer.status < 300
        except (aiohttp.ClientError, TimeoutError) as error:
            # never the error's own words: they may hold the address, which is a secret
            _log.warning("probe.alarm.not_sent", alarm_id=alarm.alarm_id, reason=type(error).__name__)
            return False
        if not taken:
            _log.warning("probe.alarm.not_sent", alarm_id=alarm.alarm_id, status=answer.status)
        return taken

    def message(self, alarm: Alarm, board: Board) -> tuple[bytes, dict[str, str]]:
        """The body and its headers. The signature is over the very bytes of the body."""
        if self.shape == "slack":
            body = json.dumps({"text": sentence(alarm, board)}).encode()
            return body, {"Content-Type": "application/json"}
        told = {"alarm_id": alarm.alarm_id, "kind": alarm.kind, "at": alarm.at, "state": board.state}
        told |= {"since": board.since or "", "text": sentence(alarm, board)}
        body = json.dumps({**told, "last_failure": facts_of(board.last_failure)}).encode()
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return body, {"Content-Type": "application/json", SIGNATURE: f"sha256={digest}"}


def sentence(alarm: Alarm, board: Board) -> str:
    text = f"Performate: {WORDS[alarm.kind]} (since {board.since})."
    failure = board.last_failure
    if alarm.kind == "up" or failure is None or failure.error_code is None:
        return text
    entry = catalogue()[failure.error_code]
    where = f" Stage {failure.failed_stage}, {failure.error_code}: {entry.operator_action}"
    return f"{text}{where} Trace {failure.trace_id}. Runbook: {entry.runbook or 'none'}"


def facts_of(failure: Run | None) -> dict[str, str | None]:
    if failure is None or failure.error_code is None:
        return {}
    return {
        "run_id": failure.run_id,
        "finished_at": failure.finished_at,
        "failed_stage": failure.failed_stage,
        "error_code": failure.error_code,
        "trace_id": failure.trace_id,
        "runbook": catalogue()[failure.error_code].runbook,
    }


def notifier_of(settings: Settings) -> Notifier:
    return Notifier(
        url=settings.alarm_url.get_secret_value() if settings.alarm_url else None,
        shape=settings.alarm_format,
        secret=settings.alarm_secret.get_secret_value() if settings.alarm_secret else "",
    )
