"""The users of a run: they upload over HTTP, and try again what fails, as a browser's page does."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from tests.chaos.fates import Fates
from tests.chaos.plan import Upload

PATIENCE_S = 240.0
PAUSE_S = 0.5
ANSWER_S = 15.0


class Unanswered(Exception):
    """The service did not do it, however often it was asked."""


@dataclass(kw_only=True)
class Users:
    """`storage` is where clips are stored, since an address that was made for the faulty proxy is good there too.
    `accepted`: the ids whose clip is stored, in order: from then on the product owes an end. `told`: those whose
    client was told 202."""

    http: aiohttp.ClientSession
    service: str
    storage: str
    clip: bytes
    fates: Fates
    accepted: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def upload(self, wanted: Upload) -> None:
        """Raises Unanswered."""
        place = await self._place()
        analysis_id = place["analysis_id"]
        self.fates.foretell(analysis_id, wanted)
        await self._store(place)
        self.accepted.append(analysis_id)
        for _ in range(wanted.completes):
            await self._asked("/upload/complete", {"analysis_id": analysis_id}, 202)
        if wanted.completes:
            self.told.append(analysis_id)

    async def _place(self) -> dict[str, Any]:
        wish = {"filename": "climb.mp4", "content_type": "video/mp4", "file_size": len(self.clip)}
        return await self._asked("/upload/init", {**wish, "sport_type": "bouldering"}, 201)

    async def _store(self, place: dict[str, Any]) -> None:
        address = urlunsplit((*urlsplit(self.storage)[:2], *urlsplit(place["upload_url"])[2:]))
        form = aiohttp.FormData()
        for name, value in place["upload_fields"].items():
            form.add_field(name, value)
        form.add_field("file", self.clip, filename="climb.mp4", content_type="video/mp4")
        async with self.http.post(address, data=form) as answer:
            if answer.status not in (200, 201, 204):
                raise Unanswered(f"storage said {answer.status}: {await answer.text()}")

    async def _asked(self, path: str, body: dict[str, Any], status: int) -> dict[str, Any]:
        """The answer of that status; anything of the 400s is no accident and is not asked again."""
        last, end = "", time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                async with asyncio.timeout(ANSWER_S), self.http.post(f"{self.service}{path}", json=body) as answer:
                    if answer.status == status:
                        found: dict[str, Any] = await answer.json()
                        return found
                    last = f"{answer.status} {await answer.text()}"
                    if 400 <= answer.status < 500 and answer.status != 429:
                        break
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                last = type(error).__name__
            await asyncio.sleep(PAUSE_S * (0.5 + random.random()))
        raise Unanswered(f"{path}: {last}")
