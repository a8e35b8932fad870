"""After SIGKILL mid-job another worker starts it within visibility + 5 s."""

import signal

from tests.promises.processes import first_to_say, patience
from tests.promises.side_by_side import Place, side_by_side

VISIBILITY_S = 10


@side_by_side
async def test_a_job_whose_worker_is_killed_is_started_again_in_time(place: Place) -> None:
    workers = [await place.start_worker(visibility_s=VISIBILITY_S) for _ in range(2)]
    await place.queue.send("sleep 60", {})
    # killed right after a beat, when the message has just been hidden for its whole visibility
    victim = await first_to_say(workers, "beat")
    killed_at = victim.signal(signal.SIGKILL)
    (other,) = [worker for worker in workers if worker is not victim]
    began = await other.says("began")
    assert began["receives"] == 2
    assert began["at"] - killed_at <= VISIBILITY_S + 5 * patience()
    assert victim.events("done") == []
