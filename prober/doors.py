"""What a deployment must answer besides the analysis itself: one function a promise, over plain HTTP."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import aiohttp

from core.error_codes import ErrorCode
from prober.site import SYNTHETIC

NOBODY = "00000000-0000-4000-8000-000000000000"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One check: how it ended and how long it took."""

    check: str
    level: Level
    told: str
    ms: int


class Unlike(Exception):
    """It is not as promised; the text says how. `level` warn: it works, and is not as it should be."""

    def __init__(self, told: str, level: Level = "fail") -> None:
        super().__init__(told)
        self.level = level


@dataclass(frozen=True, kw_only=True)
class Doors:
    """`url` without a slash at its end; `version`: the one that should be there, None for any."""

    http: aiohttp.ClientSession
    url: str
    version: str | None = None

    async def transport(self) -> str:
        parts = urlsplit(self.url)
        if parts.scheme == "https":
            return "TLS, certificate checked"
        if parts.hostname in LOOPBACK:
            return "plain HTTP on loopback"
        raise Unlike("plain HTTP: clips and analysis ids can be read on their way", "warn")

    async def alive(self) -> str:
        await self._json("GET", "/livez", good=200)
        await self._json("GET", "/readyz", good=200)
        return "/livez and /readyz answer 200"

    async def health(self) -> str:
        body, _ = await self._json("GET", "/health", good=200)
        version, status = body.get("version"), body.get("status")
        if self.version is not None and version != self.version:
            raise Unlike(f"version {version} runs, and {self.version} was expected")
        away = [name for name, state in (body.get("services") or {}).items() if state == "unavailable"]
        if away or status != "healthy":
            raise Unlike(f"version {version}, {status}: {', '.join(away) or 'nothing named'} away", "warn")
        return f"version {version}, healthy"

    async def documents(self) -> str:
        body, _ = await self._json("GET", "/openapi.json", good=200)
        codes, _ = await self._json("GET", "/errors", good=200)
        if not body.get("paths") or not codes.get("", codes):
            raise Unlike("/openapi.json or /errors is empty")
        return f"{len(body['paths'])} paths in /openapi.json"

    async def refusals(self) -> str:
        """A refusal is a problem body with a code of the catalogue, never a 200 and never a stack."""
        wrong = {"filename": "a.txt", "content_type": "text/plain", "file_size": 5000, "sport_type": "bouldering"}
        await self._refused("POST", "/upload/init", 400, ErrorCode.UNSUPPORTED_CONTENT_TYPE, json=wrong)
        await self._refused("GET", f"/analysis/{NOBODY}/status", 404, ErrorCode.ANALYSIS_NOT_FOUND)
        return "wrong requests get their problem body"

    async def operators_only(self) -> str:
        for method, path in (("POST", "/analysis/retry"), ("DELETE", f"/analysis/{NOBODY}")):
            _, status = await self._json(method, path, json={"analysis_id": NOBODY})
            if status not in (401, 403):
                raise Unlike(f"{method} {path} without a token is answered with {status}")
        return "operators' requests want their token"

    async def page(self) -> str:
        async with self.http.get(f"{self.url}/", headers={"baggage": SYNTHETIC}) as answer:
            text, headers, status = await answer.text(), answer.headers, answer.status
        policy = headers.get("Content-Security-Policy", "")
        if status != 200 or "<html" not in text.lower():
            raise Unlike(f"/ is answered with {status}, and is no page")
        if "default-src 'none'" not in policy or headers.get("X-Content-Type-Options") != "nosniff":
            raise Unlike("the page comes without its security headers: does a proxy take them off?")
        return "the page comes with its security policy"

    async def verdict(self) -> str:
        """A new deployment has none yet: a warning."""
        body, status = await self._json("GET", "/health/analysis-pipeline")
        said = body.get("status")
        if status == 200 and said == "pass":
            return "the prober says pass"
        raise Unlike(f"the prober says {said} (HTTP {status}): {', '.join(map(str, body.get('notes') or []))}", "warn")

    async def _refused(self, method: str, path: str, status: int, code: ErrorCode, **options: Any) -> None:
        body, found = await self._json(method, path, kind="application/problem+json", **options)
        if (found, body.get("code")) != (status, code):
            raise Unlike(f"{method} {path} should get {status} {code}, and gets {found} {body.get('code')}")

    async def _json(
        self, method: str, path: str, *, good: int | None = None, kind: str | None = None, **options: Any
    ) -> tuple[dict[str, Any], int]:
        """Body and status; a list comes as {"": list}."""
        async with self.http.request(method, f"{self.url}{path}", headers={"baggage": SYNTHETIC}, **options) as answer:
            if good is not None and answer.status != good:
                raise Unlike(f"{path} is answered with {answer.status}")
            if kind is not None and answer.content_type != kind:
                raise Unlike(f"{path} is answered with {answer.status} {answer.content_type}, not {kind}")
            body = await answer.json(content_type=None)
        return (body if isinstance(body, dict) else {"": body}), answer.status


Check = Callable[[Doors], Awaitable[str]]
CHECKS: tuple[tuple[str, Check], ...] = (
    ("transport", Doors.transport),
    ("alive", Doors.alive),
    ("health", Doors.health),
    ("documents", Doors.documents),
    ("refusals", Doors.refusals),
    ("operators only", Doors.operators_only),
    ("page", Doors.page),
    ("verdict", Doors.verdict),
)


async def checked(name: str, check: Check, doors: Doors) -> Answered:
    started = time.monotonic()

    def answered(level: Level, told: str) -> Answered:
        return Answered(check=name, level=level, told=told, ms=round((time.monotonic() - started) * 1000))

    try:
        return answered("ok", await check(doors))
    except Unlike as unlike:
        return answered(unlike.level, str(unlike))
    except aiohttp.ClientError as error:
        return answered("fail", f"no answer: {type(error).__name__}")
    except TimeoutError:
        return answered("fail", "no answer in time")
    except ValueError:
        return answered("fail", "the answer is not JSON")
