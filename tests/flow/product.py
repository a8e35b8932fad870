"""The real processes, as `make run` starts them, on free ports and in a folder of the test's own."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from core.settings import load_settings
from ops.provision import provision
from tests.log_contract import all_flaws

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "web": ("-m", "service"),
    "ingest": ("-m", "consumer", "ingest"),
    "worker": ("-m", "consumer", "analysis"),
}
T = TypeVar("T")
ADMIN = {"Authorization": "Bearer flow-admin"}


async def wait_for(what: str, look: Callable[[], Awaitable[T | None]], *, limit: float = 40) -> T:
    """What `look` returns as soon as it is something. Raises AssertionError naming `what` after `limit` seconds."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        found = await look()
        if found:
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"not within {limit} s: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(kw_only=True)
class Product:
    """Starts, kills and reads the processes of one installation. `env` is what they see, `each`
    what one of them sees besides, `commands` what they are."""

    folder: Path
    env: dict[str, str]
    http: aiohttp.ClientSession
    commands: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(COMMANDS))
    each: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.env['PORT']}"

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as out, (self.folder / f"{name}.err").open("ab") as err:
            argv = [sys.executable, *self.commands[name]]
            env = {**self.env, **self.each.get(name, {})}
            self.running[name] = subprocess.Popen(argv, env=env, cwd=ROOT, stdout=out, stderr=err)

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM, *, limit: float = 20) -> int:
        process = self.running.pop(name)
        process.send_signal(how)
        return process.wait(limit)

    def lines(self, name: str) -> list[dict[str, Any]]:
        """Every line that the process wrote to stdout; a line that is not JSON fails the test that reads it."""
        return [json.loads(line) for line in (self.folder / f"{name}.log").read_text().splitlines()]

    def events(self, event: str, *names: str) -> list[dict[str, Any]]:
        return [line for name in names or self.commands for line in self.lines(name) if line["event"] == event]

    async def get(self, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        async with self.http.get(f"{self.url}{path}", **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def post(self, path: str, **options: Any) -> tuple[int, dict[str, Any]]:
        async with self.http.post(f"{self.url}{path}", **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def init(self, clip: Path, *, content_type: str = "video/mp4", sport: str = "bouldering") -> dict[str, Any]:
        asked = {
            "filename": clip.name,
            "content_type": content_type,
            "file_size": clip.stat().st_size,
            "sport_type": sport,
        }
        status, body = await self.post("/upload/init", json=asked)
        assert status == 201, body
        return body

    async def put(self, place: dict[str, Any], clip: Path, *, content_type: str = "video/mp4") -> int:
        """Uploads as a browser does: the form's fields, then the file."""
        form = aiohttp.FormData()
        for name, value in place["upload_fields"].items():
            form.add_field(name, value)
        with clip.open("rb") as file:
            form.add_field("file", file, filename=clip.name, content_type=content_type)
            async with self.http.post(place["upload_url"], data=form) as answer:
                return answer.status

    async def send(self, clip: Path, **options: str) -> str:
        """The frontend's road: init, POST to storage, complete. Returns the analysis id."""
        place = await self.init(clip, **options)
        assert await self.put(place, clip, content_type=options.get("content_type", "video/mp4")) in (200, 201, 204)
        status, body = await self.post("/upload/complete", json={"analysis_id": place["analysis_id"]})
        assert status == 202, body
        return str(place["analysis_id"])

    async def status(self, analysis_id: str) -> dict[str, Any]:
        status, body = await self.get(f"/analysis/{analysis_id}/status")
        assert status == 200, body
        return body

    async def ended(self, analysis_id: str, *, limit: float = 45) -> dict[str, Any]:
        async def look() -> dict[str, Any] | None:
            body = await self.status(analysis_id)
            return body if body["status"] in ("completed", "failed") else None

        return await wait_for(f"the end of {analysis_id}", look, limit=limit)


def _environment(folder: Path, aws_port: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws_port}",
        "AWS_ACCESS_KEY_ID": "flow",
        "AWS_SECRET_ACCESS_KEY": "flow",
        "AWS_REGION": "eu-central-1",
        "BUCKET": "flow",
        "PORT": str(free_port()),
        "ADMIN_TOKEN": "flow-admin",
        # a clip that a module's tests share is analysed each time
        "CACHE_ENTRIES": "0",
        "SCRATCH_DIR": str(folder / "scratch"),
        "VISIBILITY_S": "10",
        "POLL_WAIT_S": "2",
        "DRAIN_S": "10",
    }


def _start_aws(folder: Path, env: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-m", "ops.emulator", "--port", str(port), "--data", str(folder / "aws")]
    with (folder / "aws.log").open("ab") as out:
        return subprocess.Popen(argv, env=env, cwd=ROOT, stdout=out, stderr=out)


@asynccontextmanager
async def product(
    folder: Path,
    *,
    commands: Mapping[str, tuple[str, ...]] | None = None,
    env: Mapping[str, str] | None = None,
    each: Mapping[str, Mapping[str, str]] | None = None,
) -> AsyncIterator[Product]:
    """A provisioned emulator and the three processes, all stopped again at the end. `commands` replaces some of them,
    `env` is added to what they see, `each` to what one of them sees."""
    aws_port = free_port()
    env = {**_environment(folder, aws_port), **(env or {})}
    aws = _start_aws(folder, env, aws_port)
    try:
        async with aiohttp.ClientSession() as http:
            it = Product(folder=folder, env=env, http=http, commands={**COMMANDS, **(commands or {})}, each=each or {})
            await wait_for("the emulator", lambda: _answers(http, env["AWS_ENDPOINT_URL"]))
            await provision(load_settings(env))
            try:
                for name in COMMANDS:
                    it.start(name)
                await wait_for("the service", lambda: _answers(http, f"{it.url}/livez"))
                yield it
            finally:
                for name in list(it.running):
                    it.stop(name)
        # of whatever was tried here, every line, those of libraries included
        assert all_flaws(line for name in COMMANDS for line in it.lines(name)) == set()
    finally:
        aws.terminate()
        aws.wait(10)


async def _answers(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(url):
            return True
    except aiohttp.ClientConnectionError:
        return False
