"""After SIGKILL mid-job another worker starts it within visibility + 5 s."""

import signal

from tests.promises.processes import patience
from tests.promises.side_by_side import Place, side_by_side

VISIBILITY_S = 10


@side_by_side
async def test_a_job_whose_worker_is_killed_is_started_again_in_time(place: Place) -> None:
    first = await place.start_worker(visibility_s=VISIBILITY_S)
    await place.queue.send("sleep 60", {})
    # killed right after a beat, when the message has just been hidden for its whole visibility
    await first.says("beat", body="sleep 60")
    killed_at = first.signal(signal.SIGKILL)
    second = await place.start_worker(visibility_s=VISIBILITY_S)
    began = await second.says("began", body="sleep 60", within=60)
    assert began["receives"] == 2
    assert began["at"] - killed_at <= VISIBILITY_S + 5 * patience()
    assert first.events("done") == []
