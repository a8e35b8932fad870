"""Provisioning makes what the settings name, says what it did, changes nothing when run again."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from core.aws.clients import Clients, open_clients
from core.error_codes import ErrorCode
from core.failure import Failure
from core.settings import Settings
from ops import desired
from ops.drift.whole import drift
from ops.provision import provision, provisioned
from tests.emulator import ORIGIN, ROOT, Emulator, environment, fresh_settings
from tests.loopback import serving

DAY_S = 24 * 3600


async def _attributes(clients: Clients, name: str) -> dict[str, str]:
    url = (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    found = await clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    return {str(key): value for key, value in found["Attributes"].items()}


async def test_it_tells_what_it_made_and_then_what_it_found(emulator: Emulator) -> None:
    settings = fresh_settings(emulator.url)
    made = await provision(settings)
    assert f"bucket {settings.bucket}: made" in made
    assert f"queue {settings.ingest_queue}: made, dead letters go to {settings.ingest_queue}-dlq" in made
    assert f"table {settings.table}: made" in made
    assert [line for line in made if "NOT SET" in line] == [
        "NOT SET: the bucket's policy, since this emulator speaks plain HTTP and would refuse everything"
    ]
    found = await provision(settings)
    assert len(found) == len(made)
    assert not [line for line in found if "made" in line]


async def test_a_second_run_sends_no_second_test_event(aws: Settings, clients: Clients) -> None:
    """S3 sends one at every change of the bucket's events."""
    before = (await _attributes(clients, aws.ingest_queue))["ApproximateNumberOfMessages"]
    await provision(aws)
    assert (await _attributes(clients, aws.ingest_queue))["ApproximateNumberOfMessages"] == before


async def test_the_bucket_is_private_and_encrypted(aws: Settings, clients: Clients) -> None:
    block = await clients.s3.get_public_access_block(Bucket=aws.bucket)
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}
    rules = (await clients.s3.get_bucket_encryption(Bucket=aws.bucket))["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    owner = await clients.s3.get_bucket_ownership_controls(Bucket=aws.bucket)
    assert owner["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


async def test_pages_of_these_origins_may_upload(aws: Settings, clients: Clients) -> None:
    [rule] = (await clients.s3.get_bucket_cors(Bucket=aws.bucket))["CORSRules"]
    assert rule["AllowedOrigins"] == [ORIGIN]
    assert rule["AllowedMethods"] == ["GET", "HEAD", "POST"]
    assert "ETag" in rule["ExposeHeaders"]


async def test_without_origins_no_page_may_upload(aws: Settings, clients: Clients) -> None:
    lines = await provision(aws.model_copy(update={"cors_origins": ()}))
    assert "bucket: no browser may upload (CORS_ORIGINS is empty)" in lines
    with pytest.raises(clients.s3.exceptions.ClientError, match="NoSuchCORSConfiguration"):
        await clients.s3.get_bucket_cors(Bucket=aws.bucket)


async def test_what_is_kept_ends(aws: Settings, clients: Clients) -> None:
    rules = (await clients.s3.get_bucket_lifecycle_configuration(Bucket=aws.bucket))["Rules"]
    days = {rule["Filter"].get("Prefix"): rule["Expiration"].get("Days") for rule in rules if "Expiration" in rule}
    assert days == {"videos/": 90, "clips/": 90, "artifacts/": 90}
    assert all(rule["Status"] == "Enabled" for rule in rules)
    unfinished = [rule["AbortIncompleteMultipartUpload"] for rule in rules if "AbortIncompleteMultipartUpload" in rule]
    assert unfinished == [{"DaysAfterInitiation": 1}]


@pytest.mark.parametrize("kind", ["ingest_queue", "analysis_queue"])
async def test_queues_have_a_dlq_that_keeps_longer(aws: Settings, clients: Clients, kind: str) -> None:
    name = getattr(aws, kind)
    queue, dead = await _attributes(clients, name), await _attributes(clients, f"{name}-dlq")
    redrive = json.loads(queue["RedrivePolicy"])
    assert redrive["deadLetterTargetArn"] == dead["QueueArn"]
    assert int(redrive["maxReceiveCount"]) > aws.max_attempts
    assert (int(queue["MessageRetentionPeriod"]), int(dead["MessageRetentionPeriod"])) == (4 * DAY_S, 14 * DAY_S)
    assert int(queue["VisibilityTimeout"]) == aws.visibility_s
    assert int(queue["ReceiveMessageWaitTimeSeconds"]) == aws.poll_wait_s


async def test_only_our_bucket_may_send_to_ingest(aws: Settings, clients: Clients) -> None:
    queue = await _attributes(clients, aws.ingest_queue)
    [statement] = json.loads(queue["Policy"])["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
    assert (statement["Effect"], statement["Action"]) == ("Allow", "sqs:SendMessage")
    assert statement["Resource"] == queue["QueueArn"]
    assert statement["Condition"] == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{aws.bucket}"},
        "StringEquals": {"aws:SourceAccount": "000000000000"},
    }
    assert "Policy" not in await _attributes(clients, aws.analysis_queue)


async def test_uploads_are_told_to_ingest(aws: Settings, clients: Clients) -> None:
    found = await clients.s3.get_bucket_notification_configuration(Bucket=aws.bucket)
    [events] = found["QueueConfigurations"]
    assert events["QueueArn"] == (await _attributes(clients, aws.ingest_queue))["QueueArn"]
    assert events["Events"] == ["s3:ObjectCreated:*"]
    [rule] = events["Filter"]["Key"]["FilterRules"]
    assert (str(rule["Name"]).lower(), rule["Value"]) == ("prefix", "videos/")


async def test_events_that_others_set_are_kept(aws: Settings, clients: Clients) -> None:
    arn = (await _attributes(clients, aws.ingest_queue))["QueueArn"]
    await clients.s3.put_bucket_notification_configuration(
        Bucket=aws.bucket,
        NotificationConfiguration={
            "QueueConfigurations": [{"Id": "theirs", "QueueArn": arn, "Events": ["s3:ObjectRemoved:*"]}]
        },
    )
    assert "bucket: events go to the ingest queue" in await provision(aws)
    found = await clients.s3.get_bucket_notification_configuration(Bucket=aws.bucket)
    assert {one["Id"] for one in found["QueueConfigurations"]} == {"theirs", desired.EVENT_ID}


async def test_the_table_has_its_indexes_and_forgets(aws: Settings, clients: Clients) -> None:
    table = (await clients.dynamodb.describe_table(TableName=aws.table))["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    keys = {
        index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]]
        for index in table["GlobalSecondaryIndexes"]
    }
    assert keys == {"by_status": ["status", "updated_at"], "by_lease": ["lease_state", "lease_until"]}
    expiry = (await clients.dynamodb.describe_time_to_live(TableName=aws.table))["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expires_at")


async def test_changed_settings_are_carried_out(aws: Settings, clients: Clients) -> None:
    await provision(aws.model_copy(update={"visibility_s": 33, "max_attempts": 5, "retention_days": 7}))
    queue = await _attributes(clients, aws.analysis_queue)
    assert queue["VisibilityTimeout"] == "33"
    assert int(json.loads(queue["RedrivePolicy"])["maxReceiveCount"]) == 5 + desired.SPARE_RECEIVES
    rules = (await clients.s3.get_bucket_lifecycle_configuration(Bucket=aws.bucket))["Rules"]
    assert {rule["Expiration"].get("Days") for rule in rules if "Expiration" in rule} == {7}


async def test_a_table_that_lacks_an_index_is_refused_and_named(emulator: Emulator) -> None:
    settings = fresh_settings(emulator.url)
    async with open_clients(settings) as clients:
        await clients.dynamodb.create_table(
            TableName=settings.table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=desired.record_key(),
            AttributeDefinitions=desired.attribute_definitions()[:1],
        )
    with pytest.raises(Failure, match="lacks by_lease, by_status") as caught:
        await provision(settings)
    assert caught.value.code is ErrorCode.STORE_UNAVAILABLE


def test_on_aws_plain_http_is_refused() -> None:
    statement, _ = json.loads(desired.bucket_policy("b"))["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_on_aws_a_clip_is_written_once() -> None:
    _, statement = json.loads(desired.bucket_policy("b"))["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:PutObject")
    assert statement["Resource"] == "arn:aws:s3:::b/clips/*"
    assert statement["Condition"] == {
        "Null": {"s3:if-none-match": "true"},
        "Bool": {"s3:ObjectCreationOperation": "true"},
    }


async def test_where_the_address_is_no_plain_one_the_buckets_policy_is_set_and_stays(emulator: Emulator) -> None:
    settings = fresh_settings(emulator.url)
    on_aws = settings.model_copy(update={"aws_endpoint_url": None})
    async with open_clients(settings) as clients:
        assert "bucket: TLS only; no clip is overwritten" in await provisioned(clients, on_aws)
        found = await clients.s3.get_bucket_policy(Bucket=settings.bucket)
        assert json.loads(found["Policy"]) == json.loads(desired.bucket_policy(settings.bucket))
        assert await drift(clients, on_aws) == []
        await clients.s3.delete_bucket_policy(Bucket=settings.bucket)
        assert [one.area for one in await drift(clients, on_aws)] == ["bucket"]


@asynccontextmanager
async def _lacking(url: str, call: str, status: int, code: str) -> AsyncIterator[str]:
    """The emulator, but for one call that gets this refusal."""

    async def forward(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "PUT" and call in request.query:
            return web.Response(status=status, text=f"<Error><Code>{code}</Code></Error>")
        async with session.request(
            request.method, url + request.raw_path, headers=request.headers, data=await request.read()
        ) as reply:
            kept = {k: v for k, v in reply.headers.items() if k.lower() not in ("transfer-encoding", "content-length")}
            return web.Response(status=reply.status, headers=kept, body=await reply.read())

    async with aiohttp.ClientSession(auto_decompress=False) as session, serving(forward) as own:
        yield own


async def test_what_an_emulator_does_not_know_is_said(emulator: Emulator) -> None:
    async with _lacking(emulator.url, "publicAccessBlock", 501, "NotImplemented") as url:
        lines = await provision(fresh_settings(url))
    assert "NOT SET: the emulator does not know PutPublicAccessBlock" in lines
    assert "bucket: encrypted at rest" in lines


async def test_what_is_refused_ends_it_and_is_named(emulator: Emulator) -> None:
    async with _lacking(emulator.url, "encryption", 403, "AccessDenied") as url:
        with pytest.raises(Failure, match="PutBucketEncryption refused: AccessDenied") as caught:
            await provision(fresh_settings(url))
    assert caught.value.code is ErrorCode.STORAGE_UNAVAILABLE


@pytest.fixture
def command(emulator: Emulator) -> dict[str, str]:
    """The environment of `python -m ops.provision`."""
    settings = fresh_settings(emulator.url)
    names = ("bucket", "ingest_queue", "analysis_queue", "table", "aws_endpoint_url")
    given = {name.upper(): str(getattr(settings, name)) for name in names}
    return {**environment(), **given, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}


def _run(env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "ops.provision"]
    return subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=40, check=False)


def test_the_command_prints_what_it_did(command: dict[str, str]) -> None:
    done = _run(command)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"bucket {command['BUCKET']}: made" in done.stdout.splitlines()


def test_the_command_fails_in_one_line(command: dict[str, str]) -> None:
    done = _run({**command, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "provision: STORAGE_UNAVAILABLE: EndpointConnectionError\n"
