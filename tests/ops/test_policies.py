"""The IAM policies name every action and every resource: no process may do more than it needs."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.aws.clients import open_clients
from ops.drift.whole import drift
from ops.iam import NAMES, policy
from ops.provision import provisioned
from tests.emulator import Emulator, fresh_settings

FILES = sorted((Path(__file__).resolve().parents[2] / "ops" / "policies").glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_is_allowed_wholesale(path: Path) -> None:
    for statement in json.loads(path.read_text())["Statement"]:
        assert statement["Effect"] == "Allow"
        assert "*" not in json.dumps(statement["Action"])
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            assert resource.count("*") == resource.endswith("/*"), resource


def test_only_an_operator_changes_what_processes_run_on() -> None:
    making = ("Create", "PutBucket", "SetQueue", "UpdateT")
    for path in FILES:
        found = any(word in path.read_text() for word in making)
        assert found == (path.stem == "operator"), path.stem


def test_each_process_has_its_policy() -> None:
    assert [path.stem for path in FILES] == ["consumer", "operator", "prober", "web"]


RIGHTS = {
    "HeadBucket": "s3:ListBucket",
    "PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "PutBucketCors": "s3:PutBucketCORS",
    "GetBucketCors": "s3:GetBucketCORS",
    "DeleteBucketCors": "s3:PutBucketCORS",
    "PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "s3:PutBucketNotification",
    "GetBucketNotificationConfiguration": "s3:GetBucketNotification",
    "UpdateTimeToLive": "dynamodb:UpdateTimeToLive",
}
"""Calls whose right has another name (AWS, "Actions defined by Amazon S3")."""
ON_TLS_ONLY = {"s3:PutBucketPolicy", "s3:GetBucketPolicy"}
WITH_DEAD_LETTERS = {"sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:SendMessage"}
WITH_CLIPS = {"s3:GetObject"}
WITH_RECORDS = {"dynamodb:GetItem", "dynamodb:UpdateItem"}


async def test_provisioning_needs_what_the_operator_may_and_no_more(emulator: Emulator) -> None:
    settings, used = fresh_settings(emulator.url), set[str]()

    def seen(model: Any, **_: object) -> None:
        service = model.service_model.service_name
        used.add(RIGHTS.get(model.name, f"{service}:{model.name}"))

    async with open_clients(settings) as clients:
        for client in (clients.s3, clients.sqs, clients.dynamodb):
            client.meta.events.register("before-call.*.*", seen)
        for given in (settings, settings.model_copy(update={"cors_origins": ()})):
            await drift(clients, given)
            await provisioned(clients, given)
    may = {
        action
        for statement in policy("operator", settings, account="000000000000")["Statement"]
        for action in statement["Action"]
    }
    assert used | ON_TLS_ONLY | WITH_DEAD_LETTERS | WITH_RECORDS | WITH_CLIPS == may


@pytest.mark.parametrize("name", NAMES)
def test_an_installations_own_names_stand_in_it(name: str) -> None:
    settings = fresh_settings("http://127.0.0.1:1", BUCKET="TABLE", TABLE="INGEST_QUEUE", INGEST_QUEUE="in")
    resources = [
        resource
        for statement in policy(name, settings, account="123456789012")["Statement"]
        for resource in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    ]
    known = {"TABLE", "in", "in-dlq", settings.analysis_queue, f"{settings.analysis_queue}-dlq", "table"}
    for resource in resources:
        service, region, account, what = resource.split(":", 5)[2:]
        assert (region, account) == (("", "") if service == "s3" else ("eu-central-1", "123456789012"))
        assert what.split("/")[0] in known
        assert service != "dynamodb" or what.split("/")[1] == "INGEST_QUEUE"


def test_an_unknown_account_is_left_to_be_filled_in() -> None:
    assert ":ACCOUNT:" in json.dumps(policy("web", fresh_settings("http://127.0.0.1:1"), account=None))
