"""An AWS of its own on this machine: ministack (S3, SQS, DynamoDB) on loopback, keeping its state over any end.

`python -m ops.emulator --port 4566 --data .data/aws`. Requests need the AWS_ACCESS_KEY_ID of its environment,
presigned addresses and uploads a signature with its AWS_SECRET_ACCESS_KEY ("local" and "local" by default).
Stock ministack saves on SIGTERM only; here its state is saved after each second in which a request came, so kill -9
loses about a second. Objects are files, written as they come. What is not covered: power loss (nothing is fsynced).
"""

import argparse
import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PINNED = "1.5.33"
HOST = "127.0.0.1"
SAVE_EVERY_S = 1.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class CannotStart(Exception):
    """The text is one line that says what is in the way and what to do."""


def assert_version() -> None:
    """The launcher uses parts of ministack that are private: they are known for one version only."""
    if (found := version("ministack")) != PINNED:
        raise CannotStart(f"ministack {PINNED} is needed, {found} is installed")


@contextlib.contextmanager
def hold(data: Path) -> Iterator[None]:
    """The data folder, for one emulator at a time: two would overwrite each other's state."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(f"another emulator works in {data}: stop that one first") from error
        yield


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 picks a free one."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((HOST, port))
        server.listen(128)
    except OSError as error:
        server.close()
        raise CannotStart(f"port {port} is taken ({error.strerror}): stop what listens there, or use --port") from error
    return server


def assert_readable(state: Path) -> None:
    """Raises CannotStart that names a damaged state file. ministack would start empty, and save that over it."""
    for file in sorted(state.glob("*.json")):
        try:
            json.loads(file.read_text())
        except ValueError as error:
            raise CannotStart(
                f"the state file {file} is damaged ({type(error).__name__}): repair it, or move it away to start "
                f"without what {file.stem} held"
            ) from error


def prepare_environment(environment: MutableMapping[str, str], *, port: int, data: Path) -> None:
    """ministack is configured by environment variables alone, which it reads when it is imported."""
    environment.update(
        GATEWAY_PORT=str(port),
        BIND_HOST=HOST,
        AUTH="true",
        PERSIST_STATE="1",
        STATE_DIR=str(data / "state"),
        S3_PERSIST="1",
        S3_DATA_DIR=str(data / "s3"),
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        LOG_LEVEL="WARNING",
        # It stops and removes containers of earlier runs wherever it finds Docker: it must not find it.
        DOCKER_HOST="unix:///nonexistent/performate",
    )
    environment.setdefault("AWS_ACCESS_KEY_ID", "local")
    environment.setdefault("AWS_SECRET_ACCESS_KEY", "local")


class Saver:
    """An ASGI layer that counts requests and saves the state after each second that had some."""

    def __init__(self, inner: Application, on_ready: Callable[[], None]) -> None:
        self._inner = inner
        self._on_ready = on_ready
        self._unsaved = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, self._telling(send))
            return
        self._unsaved += 1
        try:
            await self._inner(scope, receive, send)
        finally:
            self._unsaved += 1  # a long poll has its effect at its end

    def _telling(self, send: Send) -> Send:
        async def tell(message: MutableMapping[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                self._on_ready()

        return tell

    async def run(self) -> None:
        pause = SAVE_EVERY_S
        while True:
            await asyncio.sleep(pause)
            if self._unsaved:
                self._unsaved = 0
                began = time.monotonic()
                await save()
                pause = max(SAVE_EVERY_S, 10 * (time.monotonic() - began))  # a big state must not take all the time


async def save() -> None:
    """Copies the state between two requests, so that all services' files show the same moment, then writes them.

    Each file is replaced whole; ministack logs an error where it cannot.
    """
    from ministack.app import _build_persistence_save_dict  # noqa: PLC0415  # reads the environment when imported
    from ministack.core.persistence import save_state  # noqa: PLC0415

    states = {name: get_state() for name, get_state in _build_persistence_save_dict().items()}
    for name, state in states.items():
        if state is not None:
            await asyncio.to_thread(save_state, name, state)


async def serve(server: socket.socket, on_ready: Callable[[], None], *, parent: int | None) -> None:
    """Until SIGTERM or SIGINT, or until `parent` is no more our parent."""
    from hypercorn.asyncio import serve as serve_asgi  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415
    from ministack.app import app  # noqa: PLC0415

    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    config = Config()
    config.bind = [f"fd://{server.detach()}"]
    config.loglevel = "WARNING"
    config.graceful_timeout = 0.5  # long polls are cut: their clients ask again
    config.keep_alive_timeout = 75
    saver = Saver(app, on_ready)
    loops = [asyncio.create_task(saver.run())]
    if parent is not None:
        loops.append(asyncio.create_task(_orphaned(parent)))
    for loop in loops:
        loop.add_done_callback(lambda _: stop.set())  # an emulator that does not save any more must not go on
    await serve_asgi(saver, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]  # ASGI in general terms
    for loop in loops:
        loop.cancel()
    ends = await asyncio.gather(*loops, return_exceptions=True)
    await save()
    for end in ends:
        if isinstance(end, Exception):
            raise end


async def _orphaned(parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  # a parent's end is no event that one could wait for
        await asyncio.sleep(0.5)


def _report(url: str, data: Path) -> None:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line = {"timestamp": now, "level": "info", "event": "emulator.ready", "url": url, "data": str(data)}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ops.emulator", description="An AWS emulator that keeps its state.")
    parser.add_argument("--port", type=int, default=4566, help="on loopback; 0 picks a free one (default 4566)")
    parser.add_argument("--data", type=Path, default=Path(".data/aws"), help="folder of its state (default .data/aws)")
    parser.add_argument("--with-parent", action="store_true", help="end when the process that started this ends")
    options = parser.parse_args(argv)
    parent = os.getppid() if options.with_parent else None
    data = options.data.resolve()
    try:
        assert_version()
        with hold(data):
            assert_readable(data / "state")
            server = listen(options.port)
            port = server.getsockname()[1]
            prepare_environment(os.environ, port=port, data=data)
            asyncio.run(serve(server, lambda: _report(f"http://{HOST}:{port}", data), parent=parent))
    except CannotStart as reason:
        sys.stderr.write(f"emulator: {reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
