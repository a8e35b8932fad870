"""After SIGKILL mid-job another worker starts it within visibility + 5 s."""

import signal

import pytest

from core.aws.queue import SqsQueue
from tests.promises.processes import StartWorker

pytestmark = pytest.mark.real
VISIBILITY_S = 10


async def test_a_job_whose_worker_is_killed_is_started_again_in_time(
    queue: SqsQueue, start_worker: StartWorker
) -> None:
    first = await start_worker(visibility_s=VISIBILITY_S)
    await queue.send("sleep 60", {})
    # killed right after a beat, when the message has just been hidden for its whole visibility
    await first.says("beat", body="sleep 60")
    killed_at = first.signal(signal.SIGKILL)
    second = await start_worker(visibility_s=VISIBILITY_S)
    began = await second.says("began", body="sleep 60", within=VISIBILITY_S + 10)
    assert began["receives"] == 2
    assert began["at"] - killed_at <= VISIBILITY_S + 5
    assert first.events("done") == []
