"""A real Redis for tests: `python -m tests.redis_server` finds or installs it, and says so.

From PATH, else from Debian's packages where this user may install them. Without it the tests that need it are skipped
with the reason, and nothing else is.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NoConnection

NAMES = ("redis-server", "valkey-server")
APT_SECONDS = 600
START_S = 20
ADVICE = "no redis-server on PATH: install one (Debian: apt-get install redis-server) to run this test"


def executable() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> bool:
    """By apt, as root only, and never started as a service: whether it is there now."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for step in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "redis-server"]):
        done = subprocess.run([apt, *step], env=environment, capture_output=True, timeout=APT_SECONDS, check=False)
        if done.returncode != 0:
            sys.stderr.write(f"apt-get {step[0]}: {done.stderr.decode(errors='replace').strip()[-300:]}\n")
            return False
    return executable() is not None


@asynccontextmanager
async def redis_server(folder: Path) -> AsyncIterator[str]:
    """The address of one on a free port, with a password, that keeps nothing; ended at the end."""
    found = executable()
    if found is None:
        pytest.skip(ADVICE)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "save": "",
        "appendonly": "no",
        "requirepass": "s3cret",
        "dir": folder,
    }
    argv = [found, *(text for name, value in options.items() for text in (f"--{name}", str(value)))]
    with (folder / "redis.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*argv, stdout=log, stderr=log)
        url = f"redis://:s3cret@127.0.0.1:{port}/0"
        try:
            await _answering(url)
            yield url
        finally:
            process.terminate()
            await process.wait()


async def _answering(url: str) -> None:
    async with asyncio.timeout(START_S), Redis.from_url(url) as redis:
        while True:
            try:
                if await redis.ping():
                    return
            except NoConnection:
                await asyncio.sleep(0.02)


def main() -> int:
    if executable() is None and not install():
        sys.stderr.write(ADVICE + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
