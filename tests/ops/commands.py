"""The command line as an operator types it: a process of its own."""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.settings import Settings
from tests.emulator import ROOT, environment
from tests.promises.processes import variables


@dataclass(frozen=True, kw_only=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Of JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


async def performate(
    settings: Settings | None, *argv: str, typed: bytes = b"", env: Mapping[str, str] | None = None
) -> Answer:
    """`settings` None: a shell in which nothing is set."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from ops.cli import main; main()",
        *argv,
        cwd=ROOT,
        env=environment() | (variables(settings) if settings is not None else {}) | dict(env or {}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(typed)
    return Answer(code=process.returncode or 0, out=out.decode(), err=err.decode())
