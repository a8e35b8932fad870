"""`python -m prober verify URL`: the smoke test after a deploy, against any deployment, with nothing but its address.

Everything that a browser needs is asked for, then a fresh clip goes through the whole pipeline and its known answer is
looked for. Prints one line a check with its time, then the clip's stages. Exit code 0 all is well (warnings allowed),
1 something is not. A token of operators, where one comes on stdin, is used to remove the clip again.
"""

import argparse
import asyncio
import json
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

import aiohttp

from core.trace import new_trace
from core.verdicts import ProbeStage
from prober.answers import Told
from prober.blame import Blamed
from prober.clip import make_clip, new_nonce
from prober.doors import CHECKS, Answered, Doors, Level, checked
from prober.probe import Probe, cost_of
from prober.site import Site, open_site
from prober.stopwatch import Stopwatch

AIM_S = 120.0
"""The service level of a clip of 30 s; ours has four."""
ASK_S = 15.0
REMOVE_S = 30.0


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m prober verify", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--limit", type=float, default=AIM_S, help="seconds for the clip (default %(default)s)")
    parser.add_argument("--expect-version", metavar="V", help="the version that must be running")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--token-on-stdin", action="store_true", help="ADMIN_TOKEN comes as the first line of stdin")
    options = parser.parse_args(argv)
    token = sys.stdin.readline().strip() if options.token_on_stdin else ""
    verification = Verification(options, token)
    try:
        found = asyncio.run(verification.run())
    except KeyboardInterrupt:
        return 130
    if options.json:
        sys.stdout.write(
            json.dumps({"checks": [asdict(one) for one in found], **verification.figures}, indent=2) + "\n"
        )
    return 1 if any(one.level == "fail" for one in found) else 0


class Verification:
    """`figures`: stages in ms, and what else is known of the clip's way, once it went."""

    def __init__(self, options: argparse.Namespace, token: str) -> None:
        self._url: str = options.url.rstrip("/")
        self._limit_s: float = options.limit
        self._version: str | None = options.expect_version
        self._speaks: bool = not options.json
        self._token = token
        self._analysis_id: str | None = None
        self._trace = new_trace()
        self.figures: dict[str, object] = {"url": self._url, "trace_id": self._trace.trace_id}

    async def run(self) -> list[Answered]:
        timeout = aiohttp.ClientTimeout(total=ASK_S, connect=10)
        found: list[Answered] = []
        async with aiohttp.ClientSession(timeout=timeout) as http:
            doors = Doors(http=http, url=self._url, version=self._version)
            for name, check in CHECKS:
                found.append(self._told(await checked(name, check, doors)))
                if name == "alive" and found[-1].level == "fail":
                    # nobody is there: everything else would say the same
                    return found
        async with open_site(self._url, admin_token=self._token, trace=self._trace) as site:
            found.append(self._told(await self._clip(site)))
            if self._analysis_id is not None:
                found.append(self._told(await self._removed(site, self._analysis_id)))
        return found

    async def _clip(self, site: Site) -> Answered:
        started = time.monotonic()
        clip = await asyncio.to_thread(make_clip, new_nonce())
        watch = Stopwatch(time.monotonic)

        async def on_stage(stage: ProbeStage) -> None:
            if self._speaks:
                sys.stderr.write(f"        {stage}\n")

        async def on_made(analysis_id: str) -> None:
            self._analysis_id = analysis_id

        probe = Probe(site=site, clip=clip, watch=watch, on_stage=on_stage, on_made=on_made, limit_s=self._limit_s)
        try:
            result = await probe.run(secrets.token_hex(8))
        except Blamed as blamed:
            self.figures |= {"failed_stage": blamed.stage, "error_code": blamed.code}
            told = f"stage {blamed.stage}: {blamed.code} {blamed.detail}; trace {self._trace.trace_id}"
            return Answered(check="a clip", level="fail", told=told, ms=_since(started))
        self.figures |= _figures(result, watch)
        return Answered(check="a clip", level="ok", told=_said(result, watch), ms=round(watch.wall_s * 1000))

    async def _removed(self, site: Site, analysis_id: str) -> Answered:
        started = time.monotonic()

        def answered(level: Level, told: str) -> Answered:
            return Answered(check="removed", level=level, told=told, ms=_since(started))

        if not self._token:
            return answered("warn", f"{analysis_id} stays until its time is over: give ADMIN_TOKEN to have it removed")
        try:
            async with asyncio.timeout(REMOVE_S):
                removed = await site.delete(analysis_id)
        except (Blamed, aiohttp.ClientError, TimeoutError) as error:
            why = error.code if isinstance(error, Blamed) else type(error).__name__
            return answered("warn", f"{analysis_id} could not be removed: {why}")
        if removed is None or removed.gone:
            return answered("ok", "nothing of it is left")
        return answered("ok", "clip and result are removed; its record goes when no message of it can come any more")

    def _told(self, answered: Answered) -> Answered:
        if self._speaks:
            sys.stdout.write(f"{answered.level:<4}  {answered.check:<14}  {answered.ms:>6} ms  {answered.told}\n")
            sys.stdout.flush()
        return answered


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _figures(result: Told, watch: Stopwatch) -> dict[str, object]:
    usd, tokens = cost_of(result.model)
    return {
        "analysis_id": result.analysis_id,
        "method": result.quality.method,
        "stage_ms": {one.stage: one.ms for one in watch.times},
        "total_ms": round(watch.wall_s * 1000),
        "cost_usd": usd,
        "tokens": tokens,
    }


def _said(result: Told, watch: Stopwatch) -> str:
    stages = ", ".join(f"{one.stage} {one.ms}" for one in watch.times)
    return f"its known answer came back, by {result.quality.method} ({stages})"
