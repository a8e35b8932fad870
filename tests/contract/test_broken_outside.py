"""What the adapters make of an AWS that refuses, breaks off, hangs or is not there: a code, in a bounded time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import web
from botocore.exceptions import NoCredentialsError, ParamValidationError

from core.aws.clients import Clients, open_clients
from core.aws.errors import failing_as
from core.aws.objects import S3Objects
from core.aws.queue import SqsQueue
from core.aws.records import DynamoRecords
from core.error_codes import ErrorCode
from core.failure import Failure
from core.transitions import uploaded
from tests.emulator import fresh_settings
from tests.fakes import AN_ID, MOMENT, a_record
from tests.loopback import serving

LENGTH = 1_000_000


def _queue(clients: Clients) -> SqsQueue:
    return SqsQueue("q", clients.sqs, clients.polls, url="http://q.invalid/1/q", dead_url="http://q.invalid/1/dead")


def _calls(clients: Clients) -> list[tuple[ErrorCode, Awaitable[object]]]:
    objects, queue = S3Objects(clients.s3, "bucket"), _queue(clients)
    records = DynamoRecords(clients.dynamodb, "table")
    storage = [objects.head("k"), objects.read("k"), objects.put("k", b"", content_type="t"), objects.delete(["k"])]
    messages = [
        queue.send("x", {}),
        queue.receive(limit=1, wait_s=0, visibility_s=1),
        queue.delete(["r"]),
        queue.change_visibility("r", 1),
        queue.depth(),
        queue.setup(),
    ]
    store = [
        records.create(a_record()),
        records.get(AN_ID),
        records.apply(AN_ID, uploaded(MOMENT)),
        records.stale(before=1, limit=1),
        records.waiting(before="", limit=1),
    ]
    return [
        *((ErrorCode.STORAGE_UNAVAILABLE, call) for call in storage),
        *((ErrorCode.QUEUE_UNAVAILABLE, call) for call in messages),
        *((ErrorCode.STORE_UNAVAILABLE, call) for call in store),
    ]


async def _assert_each_fails_with_its_code(url: str) -> None:
    async with open_clients(fresh_settings(url)) as clients, asyncio.timeout(40):
        codes, calls = zip(*_calls(clients), strict=True)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [one.code if isinstance(one, Failure) else one for one in outcomes] == list(codes)
    assert not [one for one in outcomes if "127.0.0.1" in str(one)]


async def test_nobody_is_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        await _assert_each_fails_with_its_code(f"http://127.0.0.1:{taken.getsockname()[1]}")


async def test_every_answer_is_an_error() -> None:
    async def broken(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=500, text="<Error><Code>InternalError</Code></Error>")

    async with serving(broken) as url:
        await _assert_each_fails_with_its_code(url)


async def test_every_connection_is_dropped() -> None:
    async def dropping(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(dropping) as url:
        await _assert_each_fails_with_its_code(url)


async def test_a_refused_receive_is_tried_once() -> None:
    """The consumer spaces its receives; a retry inside the SDK would multiply the failing calls."""
    requests = []

    async def throttling(request: web.BaseRequest) -> web.StreamResponse:
        requests.append(request.headers["X-Amz-Target"])
        return web.json_response({"__type": "com.amazonaws.sqs#ThrottlingException"}, status=503)

    async with serving(throttling) as url, open_clients(fresh_settings(url)) as clients:
        with pytest.raises(Failure) as caught:
            await _queue(clients).receive(limit=1, wait_s=0, visibility_s=1)
    assert caught.value.detail == "ReceiveMessage refused: ThrottlingException"
    assert requests == ["AmazonSQS.ReceiveMessage"]


async def _one_batch(*, failed_code: str) -> list[str]:
    """What `delete` returns when the second of two receipts fails with this code."""

    async def half(request: web.BaseRequest) -> web.StreamResponse:
        failure = {"Id": "1", "Code": failed_code, "SenderFault": False, "Message": "no"}
        return web.json_response({"Successful": [{"Id": "0"}], "Failed": [failure]})

    async with serving(half) as url, open_clients(fresh_settings(url)) as clients:
        return list(await _queue(clients).delete(["first", "second"]))


async def test_delete_names_the_receipts_that_were_not_deleted() -> None:
    assert await _one_batch(failed_code="InternalError") == ["second"]


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "AWS.SimpleQueueService.ReceiptHandleIsInvalid"])
async def test_a_stale_receipt_in_a_batch_counts_as_deleted(code: str) -> None:
    assert await _one_batch(failed_code=code) == []


@asynccontextmanager
async def _objects(url: str, *, read_timeout: float = 5) -> AsyncIterator[S3Objects]:
    config = AioConfig(signature_version="s3v4", read_timeout=read_timeout, s3={"addressing_style": "path"})
    async with get_session().create_client(
        "s3",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=config,
    ) as client:
        yield S3Objects(client, "bucket")


async def _first_part(request: web.BaseRequest) -> web.StreamResponse:
    """The head of a long body, and its first 300,000 bytes."""
    response = web.StreamResponse(headers={"ETag": '"e"', "Content-Length": str(LENGTH)})
    await response.prepare(request)
    await response.write(b"x" * 300_000)
    return response


async def _cut(request: web.BaseRequest) -> web.StreamResponse:
    response = await _first_part(request)
    assert request.transport is not None
    request.transport.close()
    return response


async def _hang(request: web.BaseRequest) -> web.StreamResponse:
    response = await _first_part(request)
    while request.transport is not None:  # noqa: ASYNC110  # until the client gives up
        await asyncio.sleep(0.05)
    return response


@pytest.mark.parametrize("answer", [_cut, _hang])
async def test_a_download_that_ends_early_says_so(
    answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> None:
    received = bytearray()

    async def download(objects: S3Objects) -> None:
        async with objects.stream("k", etag="e") as chunks:
            async for chunk in chunks:
                received.extend(chunk)

    async with serving(answer) as url, _objects(url, read_timeout=0.5) as objects:
        with pytest.raises(Failure) as caught:
            await download(objects)
    assert caught.value.code is ErrorCode.DOWNLOAD_FAILED
    assert received == b"x" * 300_000


async def test_a_stream_asks_for_this_version_from_this_byte() -> None:
    asked: list[tuple[str | None, str | None]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append((request.headers.get("If-Match"), request.headers.get("Range")))
        return web.Response(body=b"rest")

    async with serving(answer) as url, _objects(url) as objects:
        for start in (0, 700):
            async with objects.stream("k", etag="abc", start=start) as chunks:
                assert [chunk async for chunk in chunks] == [b"rest"]
    assert asked == [('"abc"', None), ('"abc"', "bytes=700-")]


def test_missing_credentials_are_a_failure() -> None:
    with pytest.raises(Failure, match="NoCredentialsError") as caught, failing_as(ErrorCode.PRESIGN_FAILED):
        raise NoCredentialsError
    assert caught.value.code is ErrorCode.PRESIGN_FAILED


def test_our_own_mistake_is_no_outage() -> None:
    with pytest.raises(ParamValidationError), failing_as(ErrorCode.STORAGE_UNAVAILABLE):
        raise ParamValidationError(report="Bucket")
