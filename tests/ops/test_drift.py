"""`provision --plan` says what is not as it should be, and nothing else; what it says, provisioning puts right."""

import json
from collections.abc import Awaitable, Callable

import pytest

from core.aws.clients import Clients, open_clients
from core.aws.queue import dead_letter_name
from core.settings import Settings
from ops.drift.difference import Difference, holds
from ops.drift.whole import drift
from ops.provision import provision
from tests.emulator import Emulator, fresh_settings

Break = Callable[[Clients, Settings], Awaitable[object]]


async def _url(clients: Clients, name: str) -> str:
    return (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]


async def _set(clients: Clients, queue: str, **attributes: str) -> None:
    await clients.sqs.set_queue_attributes(QueueUrl=await _url(clients, queue), Attributes=attributes)  # type: ignore[arg-type]


async def _shorter(clients: Clients, aws: Settings) -> None:
    await _set(clients, aws.analysis_queue, VisibilityTimeout="7")


async def _forgetful_dlq(clients: Clients, aws: Settings) -> None:
    await _set(clients, dead_letter_name(aws.ingest_queue), MessageRetentionPeriod="3600")


async def _with_a_key_of_its_own(clients: Clients, aws: Settings) -> None:
    # without any configuration of ours AWS encrypts as we want it
    await clients.s3.put_bucket_encryption(
        Bucket=aws.bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
        },
    )


async def _few_receives(clients: Clients, aws: Settings) -> None:
    queue = await clients.sqs.get_queue_attributes(
        QueueUrl=await _url(clients, dead_letter_name(aws.analysis_queue)), AttributeNames=["QueueArn"]
    )
    policy = {"deadLetterTargetArn": queue["Attributes"]["QueueArn"], "maxReceiveCount": 2}
    await _set(clients, aws.analysis_queue, RedrivePolicy=json.dumps(policy))


BROKEN: list[tuple[str, Break]] = [
    ("public access", lambda c, s: c.s3.delete_public_access_block(Bucket=s.bucket)),
    ("encryption", _with_a_key_of_its_own),
    ("ownership", lambda c, s: c.s3.delete_bucket_ownership_controls(Bucket=s.bucket)),
    ("lifecycle", lambda c, s: c.s3.delete_bucket_lifecycle(Bucket=s.bucket)),
    ("CORS", lambda c, s: c.s3.delete_bucket_cors(Bucket=s.bucket)),
    (
        "upload events",
        lambda c, s: c.s3.put_bucket_notification_configuration(Bucket=s.bucket, NotificationConfiguration={}),
    ),
    ("who may send", lambda c, s: _set(c, s.ingest_queue, Policy="")),
    ("VisibilityTimeout", _shorter),
    ("MessageRetentionPeriod", _forgetful_dlq),
    ("RedrivePolicy", _few_receives),
]


async def test_of_nothing_everything_would_be_made(emulator: Emulator) -> None:
    settings = fresh_settings(emulator.url)
    async with open_clients(settings) as clients:
        found = await drift(clients, settings)
        assert [str(one) for one in found] == [
            f"make    bucket {settings.bucket}",
            f"make    queue {settings.ingest_queue}-dlq",
            f"make    queue {settings.ingest_queue}",
            f"make    queue {settings.analysis_queue}-dlq",
            f"make    queue {settings.analysis_queue}",
            f"make    table {settings.table}",
        ]
        # and looking made none of it
        assert len(await drift(clients, settings)) == len(found)


async def test_after_provisioning_there_is_nothing_to_say(aws: Settings, clients: Clients) -> None:
    assert await drift(clients, aws) == []


@pytest.mark.parametrize(("what", "broken"), BROKEN, ids=[what for what, _ in BROKEN])
async def test_what_was_changed_is_named_and_put_right(
    aws: Settings, clients: Clients, what: str, broken: Break
) -> None:
    await broken(clients, aws)
    [found] = await drift(clients, aws)
    assert found.what.endswith(f", {what}")
    await provision(aws)
    assert await drift(clients, aws) == []


async def test_changed_settings_are_drift(aws: Settings, clients: Clients) -> None:
    found = await drift(clients, aws.model_copy(update={"retention_days": 7, "cors_origins": ()}))
    assert [one.what.partition(", ")[2] for one in found] == ["lifecycle", "CORS"]


def test_a_difference_for_people() -> None:
    one = Difference(area="queues", what="queue q, VisibilityTimeout", found="7", wanted="60")
    assert str(one) == "change  queue q, VisibilityTimeout: 7 -> 60"


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        ({"a": 1, "more": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": None}, True),
        ({"a": 1}, {"a": 2}, False),
        ([{"ID": "x"}, {"ID": "y", "n": 1}], [{"ID": "y"}, {"ID": "x"}], True),
        (["a", "b"], ["a"], False),
        (None, {"a": 1}, False),
        ("ab", ["a", "b"], False),
    ],
)
def test_what_aws_adds_is_no_difference(found: object, wanted: object, same: bool) -> None:
    assert holds(found, wanted) is same
