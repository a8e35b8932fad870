"""Prometheus and Alertmanager as real processes over the real product, with the rules of ops/alerts."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.alerts.prometheus import ROOT, needed
from tests.flow.product import Product, free_port, wait_for

ALERTS = ROOT / "ops" / "alerts"


@asynccontextmanager
async def hooked() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver of pages: its address, and the alerts that came, the newest last."""
    told: list[dict[str, Any]] = []

    async def hook(request: web.Request) -> web.Response:
        told.extend((await request.json())["alerts"])
        return web.Response()

    app = web.Application()
    app.router.add_post("/", hook)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), told


def _rules(*, hurried: bool) -> str:
    text = (ALERTS / "performate.rules.yml").read_text()
    rules = yaml.safe_load(text)
    for rule in (rule for group in rules["groups"] for rule in group["rules"] if "for" in rule):
        rule["for"] = "2s"
    # JSON is YAML
    return json.dumps(rules) if hurried else text


def configure(folder: Path, *, targets: Mapping[str, int], pager: int, hook: str, hurried: bool) -> None:
    (folder / "performate.rules.yml").write_text(_rules(hurried=hurried))
    config = yaml.safe_load((ALERTS / "prometheus.example.yml").read_text())
    if hurried:
        config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "500ms"}
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"127.0.0.1:{pager}"]}]}]
    for job in config["scrape_configs"]:
        port = targets.get(job["job_name"])
        job["static_configs"] = [{"targets": [f"127.0.0.1:{port}"] if port else []}]
    (folder / "prometheus.yml").write_text(json.dumps(config))
    routing = yaml.safe_load((ALERTS / "alertmanager.example.yml").read_text())
    for route in (routing["route"], *routing["route"]["routes"]):
        if hurried:
            route.update({"group_wait": "100ms", "group_interval": "500ms"})
    for receiver in routing["receivers"]:
        receiver["webhook_configs"] = [{"url": hook if receiver["name"] == "pager" else f"{hook}?{receiver['name']}"}]
    (folder / "alertmanager.yml").write_text(json.dumps(routing))


def _start(name: str, *arguments: str, folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("wb") as out:
        return subprocess.Popen([needed(name), *arguments], cwd=folder, stdout=out, stderr=out)


@asynccontextmanager
async def started(name: str, *arguments: str, folder: Path) -> AsyncIterator[None]:
    process = _start(name, *arguments, folder=folder)
    try:
        yield
    finally:
        process.terminate()
        try:
            await asyncio.to_thread(process.wait, 20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@asynccontextmanager
async def monitored(
    it: Product, folder: Path, targets: Mapping[str, int], *, hurried: bool
) -> AsyncIterator[list[dict[str, Any]]]:
    """Prometheus and Alertmanager over the running product; what the pager was told. `hurried`: a scrape each half
    second, and `for` of two seconds in place of minutes."""
    ports = (free_port(), free_port())
    async with AsyncExitStack() as stack:
        hook, told = await stack.enter_async_context(hooked())
        configure(folder, targets=targets, pager=ports[1], hook=hook, hurried=hurried)
        alertmanager = [f"--web.listen-address=127.0.0.1:{ports[1]}", "--cluster.listen-address="]
        alertmanager += ["--config.file=alertmanager.yml", "--storage.path=data-alertmanager"]
        prometheus = [f"--web.listen-address=127.0.0.1:{ports[0]}", "--config.file=prometheus.yml"]
        prometheus += ["--storage.tsdb.path=data-prometheus"]
        await stack.enter_async_context(started("alertmanager", *alertmanager, folder=folder))
        await stack.enter_async_context(started("prometheus", *prometheus, folder=folder))
        query = f"http://127.0.0.1:{ports[0]}/api/v1/query"
        await wait_for("a scrape of the worker", lambda: _answer(it, query, 'up{job="performate-worker"} == 1'))
        yield told


async def _answer(it: Product, query: str, expr: str) -> bool:
    try:
        async with it.http.get(query, params={"query": expr}) as answer:
            # 503 while it starts
            return answer.status == 200 and bool((await answer.json())["data"]["result"])
    except aiohttp.ClientConnectionError:
        return False
