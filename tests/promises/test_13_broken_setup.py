"""Start-up refuses a broken set-up, naming it."""

import asyncio
import json
import sys
from dataclasses import replace

import pytest

from consumer.engine.preflight import BrokenSetup, flaws_of, refuse_broken
from consumer.roles import limits_of
from core.aws.clients import Clients
from core.aws.queue import SqsQueue, dead_letter_name
from core.ports import QueueSetup
from core.settings import Settings
from tests.emulator import ROOT, environment
from tests.engine.rig import LIMITS
from tests.fakes import FakeQueue
from tests.promises.processes import variables

SOUND = QueueSetup(
    visibility_s=60, retention_s=345_600, max_receives=6, dead_letters="queue-dlq", dead_retention_s=1_209_600
)
BROKEN = {
    "no redrive policy": replace(SOUND, max_receives=None, dead_letters=None, dead_retention_s=None),
    "its maxReceiveCount is 5 and must be over 5": replace(SOUND, max_receives=5),
    "the queue's visibility is 5 s": replace(SOUND, visibility_s=5),
    "keeps messages for 60 s": replace(SOUND, dead_retention_s=60),
    "moves messages to elsewhere": replace(SOUND, dead_letters="elsewhere"),
}


def test_a_sound_setup_has_no_flaw() -> None:
    assert flaws_of(SOUND, LIMITS, dead_letters="queue-dlq") == []


@pytest.mark.parametrize("flaw", BROKEN)
async def test_a_broken_setup_is_refused_by_name(flaw: str) -> None:
    with pytest.raises(BrokenSetup) as refused:
        await refuse_broken(FakeQueue(set_up=BROKEN[flaw]), LIMITS, dead_letters="queue-dlq")
    (sentence,) = refused.value.flaws
    assert flaw in sentence
    assert refused.value.queue == "queue"


def test_a_visibility_of_our_own_that_is_too_short_for_the_beat_is_a_flaw() -> None:
    (sentence,) = flaws_of(SOUND, replace(LIMITS, visibility_s=8), dead_letters="queue-dlq")
    assert "the visibility that we ask for is 8 s" in sentence


def test_every_flaw_is_named_at_once() -> None:
    worst = replace(SOUND, visibility_s=1, max_receives=1, dead_letters="elsewhere", dead_retention_s=1)
    assert len(flaws_of(worst, LIMITS, dead_letters="queue-dlq")) == 4


@pytest.mark.real
@pytest.mark.parametrize("role", ["ingest", "analysis"])
async def test_a_role_on_a_broken_queue_ends_at_once_with_2_and_one_line(
    aws: Settings, clients: Clients, role: str
) -> None:
    name = {"ingest": aws.ingest_queue, "analysis": aws.analysis_queue}[role]
    url = (await clients.sqs.get_queue_url(QueueName=name))["QueueUrl"]
    broken = {"RedrivePolicy": json.dumps({"deadLetterTargetArn": await _dead_arn(clients, url), "maxReceiveCount": 3})}
    await clients.sqs.set_queue_attributes(QueueUrl=url, Attributes=broken)  # type: ignore[arg-type]  # a plain dict
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "consumer", role),
        cwd=ROOT,
        env=environment() | variables(aws),
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        out, _ = await process.communicate()
    assert process.returncode == 2
    lines = [json.loads(line) for line in out.splitlines()]
    (refusal,) = [line for line in lines if line["level"] == "error"]
    assert (refusal["event"], refusal["queue"]) == ("consumer.start.refused", name)
    wanted = limits_of(aws, concurrency=1).max_receives
    assert f"maxReceiveCount is 3 and must be over {wanted}" in refusal["flaws"][0]


@pytest.mark.real
async def test_what_we_provision_is_sound(aws: Settings, queue: SqsQueue) -> None:
    await refuse_broken(queue, limits_of(aws, concurrency=1), dead_letters=dead_letter_name(queue.name))


async def _dead_arn(clients: Clients, url: str) -> str:
    found = await clients.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    return str(json.loads(found["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"])
