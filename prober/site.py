"""The service and the bucket over plain HTTP, as the frontend asks them; every request carries the synthetic mark."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from core.error_codes import ErrorCode
from core.messages import is_analysis_id
from core.trace import Trace
from core.verdicts import ProbeStage
from prober.blame import Blamed, code_in, wrong

LOOK_S = 0.5
SYNTHETIC = "user_agent.synthetic.type=test"
M = TypeVar("M", bound=BaseModel)
NO_MODEL = "performate.model=off"
NAME = "probe-{run_id}.mp4"


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Place(_Asked):
    """Where the clip goes: the answer of /upload/init."""

    analysis_id: str
    upload_url: str
    upload_fields: dict[str, str]


class State(_Asked):
    """The answer of /analysis/{id}/status."""

    status: str
    stage: str | None
    attempt: int
    error: dict[str, Any] | None = None


class Removed(_Asked):
    """The answer of DELETE /analysis/{id}."""

    objects: int
    first: bool
    gone: bool


@dataclass(frozen=True, kw_only=True)
class Site:
    """`url` without a slash at its end; `paid` false asks the pipeline to leave its paid stage out. Methods raise
    Blamed with the stage that they belong to."""

    http: aiohttp.ClientSession
    url: str
    admin_token: str
    trace: Trace
    paid: bool = True

    async def init(self, run_id: str, size: int) -> Place:
        wish = {
            "filename": NAME.format(run_id=run_id),
            "content_type": "video/mp4",
            "file_size": size,
            "sport_type": "bouldering",
            "language": "en",
        }
        body = await self._answer("init", "POST", "/upload/init", good=201, json=wish)
        place = _read(Place, body, "init")
        if not is_analysis_id(place.analysis_id) or place.analysis_id not in place.upload_fields.get("key", ""):
            raise wrong("init", "the upload address is not one of the analysis")
        return place

    async def upload(self, place: Place, data: bytes) -> None:
        form = aiohttp.FormData()
        for name, value in place.upload_fields.items():
            form.add_field(name, value)
        form.add_field("file", data, filename="probe.mp4", content_type="video/mp4")
        try:
            # no headers of ours: the bucket is not the service, and its policy knows none of them
            async with self.http.post(place.upload_url, data=form) as answer:
                if answer.status not in (200, 201, 204):
                    raise Blamed("upload", ErrorCode.STORAGE_UNAVAILABLE, f"the bucket answered {answer.status}")
        except (aiohttp.ClientError, ValueError) as error:
            raise Blamed("upload", ErrorCode.STORAGE_UNAVAILABLE, type(error).__name__) from error

    async def complete(self, analysis_id: str) -> None:
        asked = {"analysis_id": analysis_id}
        body = await self._answer("complete", "POST", "/upload/complete", good=202, json=asked)
        if not isinstance(body, Mapping) or body.get("analysis_id") != analysis_id:
            raise wrong("complete", "the answer is about another analysis")

    async def state(self, analysis_id: str) -> State:
        body = await self._answer("read", "GET", f"/analysis/{analysis_id}/status")
        return _read(State, body, "read")

    async def result(self, analysis_id: str) -> Mapping[str, Any]:
        try:
            body = await self._answer("read", "GET", f"/analysis/{analysis_id}", headers={"Prefer": "wait=0"})
        except Blamed as blamed:
            # it was completed a moment ago: what is missing now was not stored
            raise Blamed("store" if blamed.code is ErrorCode.RESULT_MISSING else "read", *blamed.args[1:]) from blamed
        if not isinstance(body, Mapping) or body.get("analysis_id") != analysis_id:
            raise wrong("read", "the result is not of this analysis")
        return body

    async def overlay(self, analysis_id: str) -> Mapping[str, Any]:
        body = await self._answer("read", "GET", f"/analysis/{analysis_id}/overlay")
        if not isinstance(body, Mapping) or body.get("analysis_id") != analysis_id:
            raise wrong("read", "the overlay is not of this analysis")
        return body

    async def picture(self, url: str) -> bytes | None:
        """None when the bucket has no such picture. Raises Blamed("read") when it does not answer."""
        try:
            async with self.http.get(url) as answer:
                if answer.status == 404:
                    return None
                if answer.status != 200:
                    raise Blamed("read", ErrorCode.STORAGE_UNAVAILABLE, f"the bucket answered {answer.status}")
                return await answer.read()
        except (aiohttp.ClientError, ValueError) as error:
            raise Blamed("read", ErrorCode.STORAGE_UNAVAILABLE, type(error).__name__) from error

    async def clip(self, analysis_id: str) -> bytes | None:
        """The clip as it lies in the bucket; None when it is not to be had."""
        body = await self._answer("read", "GET", f"/videos/{analysis_id}")
        url = body.get("video_url") if isinstance(body, Mapping) else None
        return await self.picture(url) if isinstance(url, str) else None

    async def delete(self, analysis_id: str) -> Removed | None:
        """None when nothing was there. Raises Blamed, aiohttp.ClientError."""
        headers = {"Authorization": f"Bearer {self.admin_token}"}
        async with self.http.delete(
            f"{self.url}/analysis/{analysis_id}", headers={**self._headers, **headers}
        ) as answer:
            if answer.status == 404:
                return None
            body = await _json_or_none(answer)
            if answer.status not in (200, 202):
                raise Blamed("read", code_in(body, ErrorCode.PROBE_RESIDUE), f"delete answered {answer.status}")
            return _read(Removed, body, "read")

    @property
    def _headers(self) -> dict[str, str]:
        baggage = SYNTHETIC if self.paid else f"{SYNTHETIC},{NO_MODEL}"
        return {"baggage": baggage, "traceparent": self.trace.child().traceparent}

    async def _answer(self, stage: ProbeStage, method: str, path: str, *, good: int = 200, **options: Any) -> Any:
        """The JSON body of an answer with the good status."""
        headers = {**self._headers, **options.pop("headers", {})}
        try:
            async with self.http.request(method, f"{self.url}{path}", headers=headers, **options) as answer:
                if answer.status >= 400:
                    code = code_in(await _json_or_none(answer), ErrorCode.INTERNAL)
                    raise Blamed(stage, code, f"the service answered {answer.status}")
                if answer.status != good:
                    raise wrong(stage, f"the service answered {answer.status}")
                return await answer.json(content_type=None)
        except aiohttp.ClientError as error:
            raise Blamed(stage, ErrorCode.NOT_READY, type(error).__name__) from error
        except ValueError as error:
            raise wrong(stage, "the answer is not JSON") from error


async def _json_or_none(answer: aiohttp.ClientResponse) -> object:
    try:
        return await answer.json(content_type=None)
    except ValueError:
        return None


def _read(model: type[M], body: object, stage: ProbeStage) -> M:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        fields = ", ".join(".".join(map(str, one["loc"])) for one in error.errors(include_input=False)[:5])
        raise wrong(stage, f"the answer is not what the contract says: {fields}") from error


async def until_up(url: str, *, limit_s: float) -> None:
    """Until the service answers at all, or for that long: both begin together after a deploy, and a prober that is
    the faster one has found nothing out."""
    with suppress(TimeoutError):
        async with asyncio.timeout(limit_s), aiohttp.ClientSession() as http:
            while True:
                with suppress(aiohttp.ClientError):
                    async with http.get(f"{url.rstrip('/')}/livez"):
                        return
                await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def open_site(url: str, *, admin_token: str, trace: Trace, paid: bool = True) -> AsyncIterator[Site]:
    """No connection is kept from an earlier run: each is as a new browser."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=10)) as http:
        yield Site(http=http, url=url.rstrip("/"), admin_token=admin_token, trace=trace, paid=paid)
