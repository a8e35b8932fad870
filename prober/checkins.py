"""Check-ins at Sentry Crons, by hand: one id from in_progress to ok or error. A monitor around the call would say ok
whenever nothing was raised."""

import asyncio
import json
import time
import uuid
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog

from core.dsn import Address
from core.probing import MONITOR, Cadence
from core.settings import Settings
from core.trace import Trace
from core.verdicts import Run

LIMIT_S = 5.0
_CLIENT = "performate-prober/1"

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class CheckIn:
    check_in_id: str
    began: float


@dataclass(frozen=True, kw_only=True)
class CheckIns:
    """`address` None: nothing is sent. Sentry being away never changes a verdict."""

    address: Address | None
    release: str

    async def begin(self, cadence: Cadence, trace: Trace) -> CheckIn | None:
        """Tells the schedule as well, so that the monitor exists and knows what is late."""
        if self.address is None:
            return None
        checkin = CheckIn(check_in_id=uuid.uuid4().hex, began=time.monotonic())
        words = {"status": "in_progress", "monitor_config": cadence.monitor_config}
        await self._send(self.address, checkin, words | _context(trace.trace_id))
        return checkin

    async def end(self, checkin: CheckIn | None, run: Run) -> None:
        """Nothing for a cancelled run: neither word would be true of it."""
        if self.address is None or checkin is None or run.result == "cancelled":
            return
        words: dict[str, Any] = {
            "status": "error" if run.result == "fail" else "ok",
            "duration": round(time.monotonic() - checkin.began, 3),
        }
        await self._send(self.address, checkin, words | _context(run.trace_id))

    async def _send(self, address: Address, checkin: CheckIn, words: dict[str, Any]) -> None:
        item = {"check_in_id": checkin.check_in_id, "monitor_slug": MONITOR, "release": self.release, **words}
        headers = {
            "Content-Type": "application/x-sentry-envelope",
            "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client={_CLIENT}, sentry_key={address.key}",
        }
        try:
            async with (
                asyncio.timeout(LIMIT_S),
                aiohttp.ClientSession() as http,
                http.post(address.envelopes, data=envelope(item), headers=headers) as answer,
            ):
                if answer.status >= 300:
                    _log.warning("probe.checkin.refused", status=answer.status)
        except (aiohttp.ClientError, TimeoutError) as error:
            _log.warning("probe.checkin.not_sent", reason=type(error).__name__)


def envelope(item: dict[str, Any]) -> bytes:
    """Sentry's wire format: a line about the envelope, one about the item, the item."""
    payload = json.dumps(item)
    return "\n".join(("{}", json.dumps({"type": "check_in", "length": len(payload)}), payload, "")).encode()


def _context(trace_id: str) -> dict[str, Any]:
    return {"contexts": {"trace": {"trace_id": trace_id, "span_id": trace_id[:16]}}}


def checkins_of(settings: Settings) -> CheckIns:
    """Raises ValueError for a DSN that is none."""
    dsn = settings.sentry_dsn.get_secret_value() if settings.sentry_dsn else ""
    return CheckIns(address=Address.of(dsn) if dsn else None, release=f"performate@{settings.version}")
