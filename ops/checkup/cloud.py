"""AWS, or the emulator in its place: who we are to it, its clock, and what lies there."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from core.aws.errors import NETWORK_ERRORS, aws_code, failing_as
from core.aws.objects import S3Objects
from core.aws.queue import dead_letter_name, open_queue
from core.aws.verdicts import DynamoVerdicts
from core.error_codes import ErrorCode
from core.failure import Failure
from ops.checkup.finding import Finding, fail, ok, warn
from ops.drift.bucket import MISSING
from ops.drift.difference import Area, Difference
from ops.drift.whole import drift

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from core.aws.clients import Clients
    from core.settings import Settings

SKEW_WARN_S, SKEW_FAIL_S = 30.0, 240.0
"""AWS refuses what was signed more than 300 s away from its own time."""
_FORBIDDEN = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
UPLOAD = "videos/1970/01/01/00000000-0000-0000-0000-000000000000.mp4"
CLIP = "clips/00000000-0000-0000-0000-000000000000.mp4"
"""Nothing ever lies at either: a signature is tried without touching anybody's clip."""
PUT_RIGHT = "performate provision --plan, then performate provision"
AREAS: Mapping[Area, str] = {
    "bucket": "private, encrypted, clips and results expire, uploads are told to the ingest queue",
    "queues": "both have their redrive policy, time-outs and dead-letter queue",
    "table": "its key and indexes are there, records expire",
}


async def of_credentials(settings: Settings) -> Sequence[Finding]:
    if settings.aws_access_key_id and settings.aws_secret_access_key:
        return [ok("credentials", "from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")]
    try:
        found = await get_session().get_credentials()
    except BotoCoreError as error:
        return [fail("credentials", type(error).__name__, "look at this machine's AWS configuration")]
    if found is None:
        return [fail("credentials", "there are none", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role")]
    return [ok("credentials", f"from the SDK's chain: {found.method}")]


async def of_access(clients: Clients, settings: Settings, now: datetime) -> Sequence[Finding]:
    """Whether the bucket answers us, and what its clock says."""
    try:
        headers = (await clients.s3.head_bucket(Bucket=settings.bucket))["ResponseMetadata"]["HTTPHeaders"]
    except ClientError as error:
        return [_refused(settings, error), *clock(error.response["ResponseMetadata"]["HTTPHeaders"], now)]
    except NETWORK_ERRORS as error:
        where = urlsplit(settings.aws_endpoint_url).netloc if settings.aws_endpoint_url else settings.aws_region
        return [fail("access", f"{where} cannot be reached: {type(error).__name__}", "network, proxy, AWS_REGION?")]
    there = headers.get("x-amz-bucket-region", settings.aws_region)
    if there != settings.aws_region:
        told = f"the bucket {settings.bucket} is in {there}, AWS_REGION is {settings.aws_region}"
        return [fail("access", told, f"set AWS_REGION to {there}, or use another bucket"), *clock(headers, now)]
    return [ok("access", f"the bucket {settings.bucket} answers in {there}"), *clock(headers, now)]


def _refused(settings: Settings, error: ClientError) -> Finding:
    code = aws_code(error)
    if code in MISSING:
        return fail("access", f"there is no bucket {settings.bucket}", PUT_RIGHT)
    if code in ("400", "301", "PermanentRedirect"):
        return fail("access", f"the bucket is in another region than {settings.aws_region}", "set AWS_REGION")
    advice = "wrong or expired credentials, or rights are missing: performate provision --iam web | consumer | prober"
    return fail("access", f"the bucket {settings.bucket} refuses us: {code}", advice)


def clock(headers: Mapping[str, str], now: datetime) -> Sequence[Finding]:
    """Ours, held against that of who answered. Nothing is said without a Date."""
    told = headers.get("date")
    if told is None:
        return []
    skew = (now - parsedate_to_datetime(told).astimezone(UTC)).total_seconds()
    words = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the bucket's"
    if abs(skew) >= SKEW_FAIL_S:
        return [fail("clock", words, "set this machine's clock (NTP): AWS refuses signatures 300 s off, with HTTP 403")]
    if abs(skew) >= SKEW_WARN_S:
        return [warn("clock", words, "set this machine's clock (NTP); from 300 s on AWS refuses every request")]
    return [ok("clock", words if abs(skew) >= 1 else "agrees with the bucket's")]


async def of_setup(clients: Clients, settings: Settings) -> Sequence[Finding]:
    """One finding an area, and one more for each thing in it that is not as it should be."""
    by_area = defaultdict[Area, list[Difference]](list)
    try:
        found = await drift(clients, settings)
    except Failure as failure:
        may_not = forbidden(failure)
        if may_not is None:
            raise
        return [may_not]
    for one in found:
        by_area[one.area].append(one)
    good = [ok(area, told) for area, told in AREAS.items() if not by_area[area]]
    return [*good, *(fail(one.area, str(one), PUT_RIGHT) for lot in by_area.values() for one in lot)]


def forbidden(failure: Failure) -> Finding | None:
    """A process's own rights do not reach so far, and should not. None for any other failure."""
    if not failure.detail.endswith(_FORBIDDEN):
        return None
    advice = "run it once more with an operator's credentials (performate provision --iam operator)"
    return warn("setup", f"not looked at: {failure.detail}", advice)


async def of_signature(clients: Clients, settings: Settings) -> Sequence[Finding]:
    """Presigned addresses of an upload and of a clip that there are not: 404 says that signature and rights hold."""
    advice = "HTTP 403 on clips and results comes from the same: credentials, clock, or s3:GetObject and s3:ListBucket"
    for key in (UPLOAD, CLIP):
        url = await S3Objects(clients.s3, settings.bucket).presign_get(key, expires_s=60)
        with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
            async with aiohttp.ClientSession() as http, http.get(url) as answer:
                status, told = answer.status, await answer.text()
        if "NoSuchBucket" in told:
            return [fail("presigned", "not tried: there is no bucket", PUT_RIGHT)]
        if status != 404:
            where = f"an address signed here, under {key.split('/')[0]}/, is answered with HTTP {status}"
            return [fail("presigned", where, advice)]
    return [ok("presigned", "addresses signed here are taken by the bucket")]


async def of_preflight(clients: Clients, settings: Settings) -> Sequence[Finding]:
    """What a browser of each origin asks the bucket before it uploads."""
    if not settings.cors_origins:
        advice = "put the page's own origin into CORS_ORIGINS, then performate provision"
        return [
            warn("cors", "CORS_ORIGINS is empty: clips go through POST /upload, not straight to the bucket", advice)
        ]
    post = await S3Objects(clients.s3, settings.bucket).presign_post(
        UPLOAD, content_type="video/mp4", min_bytes=1, max_bytes=1, expires_s=60
    )
    async with aiohttp.ClientSession() as http:
        return [await _asked(http, post.url, origin) for origin in settings.cors_origins]


async def _asked(http: aiohttp.ClientSession, url: str, origin: str) -> Finding:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    with failing_as(ErrorCode.STORAGE_UNAVAILABLE):
        async with http.options(url, headers=headers) as answer:
            allowed = answer.headers.get("Access-Control-Allow-Origin")
    if answer.status < 400 and allowed in (origin, "*"):
        return ok("cors", f"the bucket lets {origin} upload")
    return fail("cors", f"the bucket refuses the preflight of {origin} (HTTP {answer.status})", PUT_RIGHT)


async def of_dead_letters(clients: Clients, settings: Settings) -> Sequence[Finding]:
    found: list[Finding] = []
    for kind, name in (("ingest", settings.ingest_queue), ("analysis", settings.analysis_queue)):
        waiting = await (await open_queue(clients, name)).depth()
        dead = await (await open_queue(clients, dead_letter_name(name))).depth()
        told = f"{name}: {waiting} wait, {dead} dead letters"
        advice = f"performate dlq ls --queue {kind}"
        found.append(warn("messages", told, advice) if dead else ok("messages", told))
    return found


async def of_prober(clients: Clients, settings: Settings, now: datetime) -> Sequence[Finding]:
    """The last verdict, for what it is worth."""
    board = await DynamoVerdicts(clients.dynamodb, settings.table).board()
    advice = "is a prober running? performate probe once says why not"
    if board is None or board.last is None:
        return [warn("prober", "no probe has ever ended", advice)]
    age = (now - datetime.fromisoformat(board.last.finished_at)).total_seconds()
    told = f"the last probe ended {age:.0f} s ago: {board.last.result}, the pipeline is {board.state}"
    if age > settings.cadence.stale_after_s:
        return [warn("prober", told, advice)]
    if board.state == "down" or board.last.result == "fail":
        stage, code = board.last.failed_stage, board.last.error_code
        return [warn("prober", f"{told} (stage {stage}, {code})", f"performate errors {code}" if code else advice)]
    return [ok("prober", told)]
