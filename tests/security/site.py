"""Service and ingest at work on a real bucket, real queues and a real table, in this process."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp.test_utils import TestClient

from consumer.figures import Figures
from consumer.roles import ingest_role
from core.aws.clients import Clients, open_clients
from core.aws.queue import dead_letter_name, open_queue
from core.ports import Delivery
from core.record import Record
from core.settings import Settings
from ops.provision import provision
from service.__main__ import open_outside
from service.app import make_app
from service.outside import Outside
from tests.consumer.headers import an_mp4
from tests.emulator import fresh_settings
from tests.engine.rig import running
from tests.service.world import ServerAsRun

MOST = 200_000
CLIP = an_mp4(bytes(20_000))
LIMIT_S = 20.0
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Place:
    """What /upload/init gave."""

    analysis_id: str
    key: str
    url: str
    fields: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Site:
    settings: Settings
    clients: Clients
    outside: Outside
    http: TestClient[Any, Any]
    browser: aiohttp.ClientSession

    async def begin(self, *, name: str = "climb.mp4", content_type: str = "video/mp4") -> Place:
        wish = {"filename": name, "content_type": content_type, "file_size": len(CLIP)}
        async with self.http.post("/upload/init", json=wish) as answer:
            assert answer.status == 201, await answer.text()
            body = await answer.json()
        return Place(
            analysis_id=body["analysis_id"], key=body["s3_key"], url=body["upload_url"], fields=body["upload_fields"]
        )

    async def send(self, place: Place, body: bytes = CLIP, **changes: str | None) -> int:
        """The browser's form; `changes` replace fields of it, None takes one out (`_` stands for `-`). The status."""
        form = aiohttp.FormData()
        changed = dict(place.fields) | {name.replace("_", "-"): value for name, value in changes.items()}
        for name, value in changed.items():
            if value is not None:
                form.add_field(name, value)
        form.add_field("file", io.BytesIO(body), filename="climb.mp4", content_type="video/mp4")
        async with self.browser.post(place.url, data=form) as answer:
            await answer.read()
            return answer.status

    async def record(self, place: Place) -> Record:
        found = await self.outside.records.get(place.analysis_id)
        assert found is not None
        return found

    async def becomes(self, place: Place, what: Callable[[Record], bool]) -> Record:
        """The record, once that is true of it."""

        async def look() -> Record | None:
            record = await self.record(place)
            return record if what(record) else None

        return await soon(look)

    async def gone(self, key: str) -> None:
        """Until nothing lies there."""

        async def look() -> bool:
            return await self.outside.objects.head(key) is None

        await soon(look)

    async def tell(self, body: str) -> None:
        """A message on the ingest queue, as S3 would put it there."""
        url = (await self.clients.sqs.get_queue_url(QueueName=self.settings.ingest_queue))["QueueUrl"]
        await self.clients.sqs.send_message(QueueUrl=url, MessageBody=body)

    async def quiet(self) -> None:
        """Until nothing waits for ingest, and it works on nothing."""
        url = (await self.clients.sqs.get_queue_url(QueueName=self.settings.ingest_queue))["QueueUrl"]

        async def look() -> bool:
            reply = await self.clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
            found = reply["Attributes"]
            return found["ApproximateNumberOfMessages"] == found["ApproximateNumberOfMessagesNotVisible"] == "0"

        await soon(look)

    async def taken(self, name: str) -> list[Delivery]:
        """What lies in this queue; it stays hidden afterwards."""
        queue = await open_queue(self.clients, name)
        return list(await queue.receive(limit=10, wait_s=0, visibility_s=600))

    async def dead(self) -> list[Delivery]:
        return await self.taken(dead_letter_name(self.settings.ingest_queue))


async def soon(look: Callable[[], Awaitable[T | None]], *, limit_s: float = LIMIT_S) -> T:
    """What `look` returns as soon as it is something. Raises AssertionError after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := await look():
            return found
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {limit_s} s")


@asynccontextmanager
async def site(url: str, folder: Path, **settings: str) -> AsyncIterator[Site]:
    """Uploads of at most MOST bytes, unless `settings` say else. Ingest is at work, there is no worker."""
    ours = {"MAX_UPLOAD_BYTES": str(MOST), "SCRATCH_DIR": str(folder), "POLL_WAIT_S": "1"}
    wanted = fresh_settings(url, **(ours | settings))
    await provision(wanted)
    async with open_outside(wanted) as outside, open_clients(wanted) as clients, ingesting(wanted):
        app = make_app(wanted, outside)
        async with TestClient(ServerAsRun(app)) as http, aiohttp.ClientSession() as browser:
            yield Site(settings=wanted, clients=clients, outside=outside, http=http, browser=browser)


@asynccontextmanager
async def ingesting(settings: Settings) -> AsyncIterator[None]:
    async with ingest_role(settings, Figures()) as engine, running(engine):
        yield
