"""`python -m tests.alerts.drill WHAT FOLDER`: one trouble of docs/drill.md, made on real processes, with the rules and
durations of ops/alerts; prints when what was seen. Needs Prometheus and Alertmanager (`make prometheus`).

  worker-killed  bad-release  model-down  s3-denied  disk-full (as root: its scratch is a small file system)
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.alerts.monitoring import monitored
from tests.alerts.prometheus import ROOT
from tests.figure import Climber, drawn_climber
from tests.flow.held_aws import HOP
from tests.flow.product import Product, free_port, product, wait_for
from tests.model_server import ModelServer, model_server

LONG_S = 1800.0
SCRATCH_MIB = 600


@dataclass(kw_only=True)
class Drill:
    it: Product
    told: list[dict[str, Any]]
    clip: Path
    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - self.started:6.0f} s  {text}\n")
        sys.stdout.flush()

    async def news(self, alert: str, status: str = "firing") -> None:
        async def look() -> bool:
            return any(one["labels"]["alertname"] == alert and one["status"] == status for one in self.told)

        await wait_for(f"{alert} {status}", look, limit=LONG_S)
        runbook = next(one["annotations"]["runbook"] for one in self.told if one["labels"]["alertname"] == alert)
        self.say(f"{alert} {status}: {runbook}")

    def last(self, event: str, name: str = "worker") -> None:
        found = self.it.events(event, name)
        kept = ("level", "event", "error_code", "detail", "error", "reason", "breaker", "runbook_url", "trace_id")
        line = {key: found[-1][key] for key in kept if found and found[-1].get(key) is not None}
        self.say(f"{len(found)} x {json.dumps(line)}")

    def restart(self, name: str = "worker", **env: str) -> None:
        if name in self.it.running:
            self.it.stop(name)
        self.it.each = {**self.it.each, name: {**self.it.each.get(name, {}), **env}}
        self.it.start(name)
        self.say(f"{name} started again {env or ''}")

    async def type(self, *command: str) -> None:
        argv = [str(Path(sys.executable).with_name("performate")), *command]
        done = await asyncio.to_thread(
            subprocess.run, argv, env=self.it.env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        said = (done.stdout + done.stderr).strip().splitlines()
        self.say(f"$ performate {' '.join(command)} -> {done.returncode}: {said[-1] if said else ''}")

    async def completed(self, ids: list[str]) -> None:
        for one in ids:
            ended = await self.it.ended(one, limit=LONG_S)
            assert ended["status"] == "completed", ended
        self.say(f"{len(ids)} analyses completed")

    async def send(self, count: int) -> list[str]:
        return [await self.it.send(self.clip) for _ in range(count)]


async def worker_killed(drill: Drill) -> None:
    drill.it.stop("worker", signal.SIGKILL)
    drill.say("kill -9 of the only worker")
    ids = await drill.send(1)
    await drill.news("NoConsumers")
    drill.restart()
    await drill.completed(ids)
    await drill.news("NoConsumers", "resolved")


async def bad_release(drill: Drill) -> None:
    drill.restart(BUCKET="flow-typo", VERSION="0.2.0")
    ids = await drill.send(6)
    drill.say("six clips are sent")
    await drill.news("DeadLettersFlood")
    drill.last("analysis.failed")
    await drill.type("dlq", "ls")
    drill.restart(BUCKET="flow", VERSION="0.1.0")
    await drill.type("dlq", "redrive", "--queue", "analysis")
    await drill.completed(ids)
    await drill.news("DeadLettersFlood", "resolved")


async def model_down(drill: Drill, model: ModelServer) -> None:
    async def away(request: web.Request, body: dict[str, Any]) -> web.Response:
        return web.Response(status=503)

    model.otherwise = away
    ids = await drill.send(4)
    drill.say("the model answers 503; four clips are sent")
    await drill.news("ModelBreakerOpen")
    drill.last("breaker.opened")
    await drill.type("dlq", "ls")
    model.otherwise = None
    drill.say("the model answers again")
    await drill.completed(ids)
    await drill.news("ModelBreakerOpen", "resolved")


@dataclass(kw_only=True)
class DeniedAws:
    """Stands between the worker and its AWS; while `denied`, the bucket says AccessDenied."""

    http: aiohttp.ClientSession
    to: str = ""
    denied: bool = False

    async def handle(self, request: web.Request) -> web.Response:
        if self.denied and request.path.startswith("/flow"):
            return web.Response(status=403, text="<Error><Code>AccessDenied</Code></Error>", content_type="text/xml")
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP]
        call = self.http.request(request.method, self.to + request.path_qs, data=await request.read(), headers=headers)
        async with call as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


async def s3_denied(drill: Drill, aws: DeniedAws) -> None:
    aws.denied = True
    ids = await drill.send(6)
    drill.say("the bucket denies the worker; six clips are sent")
    await drill.news("AnalysisErrorBudgetFast")
    drill.last("analysis.failed")
    await drill.type("dlq", "ls")
    aws.denied = False
    drill.say("the policy is right again")
    await drill.type("dlq", "redrive", "--queue", "analysis", "--rate", "1")
    await drill.completed(ids)
    await drill.news("AnalysisErrorBudgetFast", "resolved")


async def disk_full(drill: Drill) -> None:
    ballast = drill.it.folder / "scratch" / "core.1234"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, (SCRATCH_MIB - 20) * 2**20)
    ids = await drill.send(1)
    drill.say("a stray file fills the scratch disk; a clip is sent")
    await drill.news("OldestWaiting")
    drill.last("message.retried")
    await drill.news("ScratchLow")
    ballast.unlink()
    drill.say("the file is removed")
    await drill.completed(ids)
    await drill.news("OldestWaiting", "resolved")


CarryOut = Callable[[Drill], Awaitable[None]]


@asynccontextmanager
async def surroundings(
    what: str, folder: Path
) -> AsyncIterator[tuple[Mapping[str, str], Callable[[Drill], Awaitable[None]]]]:
    """What the worker sees besides, and what is done."""
    if what == "model-down":
        async with model_server() as model:
            seen = {"OPENAI_API_KEY": "drill", "OPENAI_BASE_URL": model.url, "VISION_MODEL": "test-2026-01-01"}
            seen["VISION_PRICES"] = "test-2026-01-01=10/1/100"
            yield seen, lambda drill: model_down(drill, model)
    elif what == "s3-denied":
        async with aiohttp.ClientSession(auto_decompress=False) as http:
            aws = DeniedAws(http=http)
            app = web.Application(client_max_size=2**27)
            app.router.add_route("*", "/{tail:.*}", aws.handle)
            runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()

            async def begin(drill: Drill) -> None:
                aws.to = drill.it.env["AWS_ENDPOINT_URL"]
                drill.restart(AWS_ENDPOINT_URL=f"http://127.0.0.1:{runner.addresses[0][1]}")
                await s3_denied(drill, aws)

            yield {}, begin
            await runner.cleanup()
    elif what == "disk-full":
        scratch = folder / "scratch"
        scratch.mkdir()
        mounted = ["mount", "-t", "tmpfs", "-o", f"size={SCRATCH_MIB}m", "tmpfs", str(scratch)]
        subprocess.run(mounted, check=True)  # noqa: ASYNC221
        try:
            yield {}, disk_full
        finally:
            subprocess.run(["umount", str(scratch)], check=True)  # noqa: ASYNC221, S607
    else:
        yield {}, {"worker-killed": worker_killed, "bad-release": bad_release}[what]


async def main(what: str, folder: Path) -> None:
    folder.mkdir(parents=True)
    clip = folder / "drawn.mp4"
    drawn_climber(clip, Climber(size=(360, 640), seconds=4.0))
    ports = {"ingest": free_port(), "worker": free_port()}
    async with surroundings(what, folder) as (seen, carry_out):
        each = {name: {"HEALTH_PORT": str(port)} for name, port in ports.items()}
        each["worker"] |= {"RECONCILE_S": "10", **seen}
        async with product(folder, each=each) as it:
            targets = {"performate-web": int(it.env["PORT"])}
            targets |= {f"performate-{name}": port for name, port in ports.items()}
            (folder / "monitoring").mkdir()
            async with monitored(it, folder / "monitoring", targets, hurried=False) as told:
                await carry_out(Drill(it=it, told=told, clip=clip))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
