"""One run: everything started, the plan carried out, the quiet time waited for, the evidence gathered."""

import asyncio
import contextlib
import json
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from core.aws.clients import Clients, open_clients
from core.record import Status
from core.settings import Settings, load_settings
from ops.provision import provision
from tests.chaos import evidence
from tests.chaos.clients import Unanswered, Users
from tests.chaos.evidence import Evidence
from tests.chaos.fates import Fates
from tests.chaos.faults import rules
from tests.chaos.fleet import Fleet, adopt_orphans, fleet, survivors
from tests.chaos.plan import Plan
from tests.emulator import ROOT, environment, running_emulator
from tests.flow.product import free_port

LOOK_S = 0.5
FIRED = re.compile(r'microburst_faults_total\{.*operation="([^"]*)",action="([^"]*)"\} (\d+)')
CHILDREN_END_S = 10.0
START_S = 180.0
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """`quiet_s`: T, how long nothing may move before what has not ended counts as stuck. `users` upload at once."""

    plan: Plan
    seed: int
    faults: str
    workers: Sequence[str]
    users: int
    quiet_s: float
    clip: Path
    folder: Path
    weights: Path


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`fired`: what the proxy did, by kind; `struck`: the fates that came; `quiet_after_s`: from the last upload."""

    evidence: Evidence
    fired: Mapping[str, int]
    struck: Mapping[str, int]
    unanswered: Sequence[str]
    uploads_s: float
    quiet_after_s: float


async def carried_out(wish: Wish, say: Say) -> Outcome:
    adopt_orphans()
    async with AsyncExitStack() as stack:
        emulator = stack.enter_context(running_emulator(wish.folder))
        proxy = await stack.enter_async_context(_proxy(emulator.url, wish))
        direct = load_settings(_variables(wish, emulator.url))
        await provision(direct)
        clients = await stack.enter_async_context(open_clients(direct))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        env = {**environment(), **_variables(wish, proxy)}
        logs, fates = wish.folder / "logs", Fates(folder=wish.folder / "fates")
        users = Users(
            http=http,
            service=f"http://127.0.0.1:{env['PORT']}",
            storage=emulator.url,
            clip=wish.clip.read_bytes(),
            fates=fates,
        )
        begun = time.monotonic()
        async with fleet(_commands(wish), env, logs) as running:
            await _answers(http, f"{users.service}/livez")
            unanswered = await _uploads(wish, users, running, say)
            uploaded = time.monotonic()
            await _at_rest(wish, users, clients, direct, say)
            quiet = time.monotonic()
            fates.make_truce()
        return Outcome(
            evidence=await _gathered(wish, clients, direct, running, users, [emulator.process.pid]),
            fired=await _fired(http, proxy),
            struck=Counter(fate for _, fate in fates.struck()),
            unanswered=unanswered,
            uploads_s=uploaded - begun,
            quiet_after_s=quiet - uploaded,
        )


def _commands(wish: Wish) -> Mapping[str, Sequence[str]]:
    worker = ("-m", "tests.chaos.worker", str(wish.folder / "fates"))
    ingest = ("-m", "consumer", "ingest")
    stock = {"web": ("-m", "service"), "ingest": ingest, "ingest-2": ingest}
    return {**stock, **dict.fromkeys(wish.workers, worker)}


def _variables(wish: Wish, endpoint: str) -> dict[str, str]:
    """Everything that takes its time in the cloud is as short here as it goes."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "BUCKET": "chaos",
        "PORT": str(free_port()),
        "SCRATCH_DIR": str(wish.folder / "scratch"),
        "TMPDIR": str(wish.folder / "tmp"),
        "WEIGHTS_DIR": str(wish.weights),
        "VISIBILITY_S": "15",
        "POLL_WAIT_S": "2",
        "DRAIN_S": "8",
        "WORKER_CONCURRENCY": "2",
        "RECONCILE_S": "2",
        "RESEND_AFTER_S": "40",
    }


@asynccontextmanager
async def _proxy(upstream: str, wish: Wish) -> AsyncIterator[str]:
    """The address where AWS is as faulty as the mix says."""
    argv = (sys.executable, "-m", "tests.chaos.proxy", upstream, str(wish.seed))
    pipe = asyncio.subprocess.PIPE
    with (wish.folder / "proxy.log").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=errors)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(rules(wish.faults)).encode())
        process.stdin.close()
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def _answers(http: aiohttp.ClientSession, url: str) -> None:
    async with asyncio.timeout(START_S):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(LOOK_S)


async def _uploads(wish: Wish, users: Users, running: Fleet, say: Say) -> Sequence[str]:
    """All of them, so many at once, with the blows in between; returns what was not answered."""
    left, blows, errors = list(reversed(wish.plan.uploads)), list(wish.plan.blows), list[str]()
    milestones = set(range(20, len(left) + 1, 20))

    async def user() -> None:
        while left:
            try:
                await users.upload(left.pop())
            except Unanswered as error:
                errors.append(str(error))
            while blows and blows[0].after <= len(users.accepted):
                blow = blows.pop(0)
                running.strike(blow.process, blow.signal)
            if len(wish.plan.uploads) - len(left) in milestones:
                milestones.discard(len(wish.plan.uploads) - len(left))
                say(f"{len(users.accepted)} of {len(wish.plan.uploads)} uploaded")

    await asyncio.gather(*(user() for _ in range(wish.users)))
    return errors


async def _at_rest(wish: Wish, users: Users, clients: Clients, settings: Settings, say: Say) -> None:
    """Until every accepted one has ended and the queues are empty, or nothing has moved for the quiet time."""
    moved_at, last, said = time.monotonic(), (0, 0), -1
    while time.monotonic() < moved_at + wish.quiet_s:
        found = await evidence.records(clients, settings)
        ended = sum(record.status in (Status.COMPLETED, Status.FAILED) for record in found)
        on_queues = sum((await evidence.waiting(clients, settings)).values())
        if ended >= len(users.accepted) and not on_queues:
            return
        if (ended, on_queues) != last:
            moved_at, last = time.monotonic(), (ended, on_queues)
        if ended // 10 != said:
            said = ended // 10
            say(f"{ended} of {len(users.accepted)} ended, {on_queues} messages on the queues")
        await asyncio.sleep(LOOK_S)


async def _gathered(  # all that a run has
    wish: Wish, clients: Clients, settings: Settings, running: Fleet, users: Users, servers: Sequence[int]
) -> Evidence:
    results = await evidence.keys(clients, settings, "artifacts/")
    uploads = await evidence.keys(clients, settings, "videos/")
    clips = await evidence.keys(clients, settings, "clips/")
    return Evidence(
        accepted=users.accepted,
        records=evidence.facts(await evidence.records(clients, settings)),
        uploads=frozenset(Path(key).stem for key in uploads),
        clips=frozenset(Path(key).stem for key in clips),
        results=frozenset(key.split("/")[1] for key in results if key.endswith("/result.json")),
        waiting=await evidence.waiting(clients, settings),
        dead=await evidence.dead(clients, settings),
        lines=evidence.lines(wish.folder / "logs", running.lives),
        lives=running.lives,
        files=evidence.files(wish.folder / "scratch", wish.folder / "tmp"),
        children=await _children(servers),
    )


async def _children(servers: Sequence[int]) -> Sequence[str]:
    """Who is left below us once the dying have had a moment to die; servers and proxy are ours."""
    end = time.monotonic() + CHILDREN_END_S
    while found := [one for one in survivors(servers) if "tests.chaos.proxy" not in one]:
        if time.monotonic() > end:
            break
        await asyncio.sleep(LOOK_S)
    return found


async def _fired(http: aiohttp.ClientSession, proxy: str) -> Mapping[str, int]:
    """Calls of AWS, and how many of them went wrong in which way."""
    async with http.get(f"{proxy}/_microburst/stats") as answer:
        calls = (await answer.json())["requests"]
    async with http.get(f"{proxy}/_microburst/metrics") as answer:
        kinds = Counter[str]()
        for operation, action, count in FIRED.findall(await answer.text()):
            kinds[_kind(operation, action)] += int(count)
    return {"calls": calls["total"], "faulty": calls["faulted"], **dict(sorted(kinds.items()))}


def _kind(operation: str, action: str) -> str:
    """`latency:328ms` -> latency, `error:SlowDown` -> SlowDown; a cut reply to a send makes a duplicate later on."""
    name, _, detail = action.partition(":")
    if name == "response":
        return "sent but not answered" if operation == "SendMessage" else "reply cut"
    return {"error": detail, "request": "upload cut"}.get(name, name)
