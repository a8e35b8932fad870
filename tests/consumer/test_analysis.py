import asyncio
import json

import pytest
from structlog.testing import capture_logs

from consumer.stages.stage import Bench, Case, Stage
from core.error_codes import ErrorCode
from core.failure import Failure
from core.record import Status, frame_key
from core.transitions import Change, claimed, closed, completed, reopened
from tests.consumer.rig import CLIP, House
from tests.fakes.example import AN_ID, MOMENT


def tiny(*seconds: float, log: list[str] | None = None, failure: Exception | None = None) -> tuple[Stage, ...]:
    """Stages that wait; the last one completes the record, or raises."""

    def stage(number: int, wait: float) -> Stage:
        async def run(bench: Bench, case: Case) -> Case:
            if log is not None:
                log.append(f"{number}")
            for step in range(10):
                await asyncio.sleep(wait / 10)
                await bench.report(step / 10)
            if number == len(seconds) - 1:
                if failure is not None:
                    raise failure
                await bench.lease.write(completed(MOMENT, token=bench.lease.token))
            return case

        return Stage(name=f"stage{number}", limit_s=lambda _: 100, share=1, run=run)

    return tuple(stage(number, wait) for number, wait in enumerate(seconds))


async def test_a_clip_becomes_a_stored_result(house: House) -> None:
    await house.ready()
    await house.ask()
    with capture_logs() as logs:
        async with house.analysing():
            await asyncio.sleep(10)
    record = house.record
    assert (record.status, record.progress, record.attempt, record.lease_owner) == (Status.COMPLETED, 100, 1, None)
    stored = house.objects.stored
    result = json.loads(stored[record.result_key].body)
    assert result["measurement"]["video"]["bytes"] == len(CLIP)
    assert len(result["measurement"]["video"]["sha256"]) == 64
    # the analyzer's two pictures and the evenly spaced ones, one of which shows the same
    assert [frame["id"] for frame in result["measurement"]["frames"]] == ["f00", "e00", "e01", "e02", "e03", "f01"]
    for frame in result["measurement"]["frames"]:
        picture = stored[f"artifacts/{AN_ID}/frames/{frame['id']}.jpg"]
        assert (picture.body, picture.content_type) == (f"jpeg at {frame['t']}".encode(), "image/jpeg")
    assert house.analysis_queue.bodies == []
    names = [line["event"] for line in logs]
    for name in (
        "video.download.started",
        "video.download.completed",
        "frames.extracted",
        "analysis.completed",
        "scratch.cleaned",
        "job.completed",
    ):
        assert names.count(name) == 1, name
    line = next(line for line in logs if line["event"] == "job.completed")
    assert (line["kind"], line["outcome"], line["receive_count"]) == ("analysis", "done", 1)
    assert list(line["stage_ms"]) == ["download", "extract", "analyze", "store"]


async def test_the_result_is_written_before_the_record_says_so_and_after_its_pictures(house: House) -> None:
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(10)
    calls = house.faults.calls
    last_picture = max(at for at, call in enumerate(calls) if call == "objects.put_file")
    assert last_picture < calls.index("objects.put")
    assert house.records.applied[-1] == (AN_ID, "completed")
    assert calls[calls.index("objects.put") + 1] == "records.apply"


async def test_a_duplicate_at_once_and_one_after_the_end_do_the_work_once(house: House) -> None:
    log: list[str] = []
    house.stages = tiny(30, 30, log=log)
    await house.ready()
    await house.ask()
    await house.ask()
    async with house.analysing("one"), house.analysing("two"):
        await asyncio.sleep(90)
        assert house.record.status is Status.COMPLETED
        await house.ask()
        await asyncio.sleep(60)
    assert log == ["0", "1"]
    assert [change for _, change in house.records.applied].count("completed") == 1
    assert (house.analysis_queue.bodies, house.analysis_queue.dead) == ([], [])


async def test_a_waiting_duplicate_outlasts_a_long_analysis(house: House) -> None:
    house.stages = tiny(90, 90, 90, 90, 90, 90, 90, 90)
    await house.ready()
    await house.ask()
    await house.ask()
    async with house.analysing("one"), house.analysing("two"):
        await asyncio.sleep(1000)
    assert house.record.status is Status.COMPLETED
    assert (house.analysis_queue.bodies, house.analysis_queue.dead) == ([], [])


async def test_the_same_message_delivered_again_takes_over_at_once_and_the_first_worker_stops(house: House) -> None:
    log: list[str] = []
    house.stages = tiny(30, 30, log=log)
    await house.ready()
    await house.ask()
    async with house.analysing("one"):
        await asyncio.sleep(5)
        assert house.record.lease_owner == "one"
        await house.analysis_queue.change_visibility("analysis-1#1", 0)
        async with house.analysing("two"):
            await asyncio.sleep(4)
            assert house.record.lease_owner == "two"
            # its next sign of progress told the first worker
            assert (log, house.decoder.open) == (["0", "0"], 0)
            await asyncio.sleep(90)
    assert log == ["0", "0", "1"]
    assert (house.record.status, house.record.lease_token, house.record.attempt) == (Status.COMPLETED, 2, 2)


async def test_losing_the_lease_closes_the_decoder_and_the_folder_within_a_second(house: House) -> None:
    house.decoder.seconds = 10
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(25)
        assert (house.decoder.open, house.decoder.calls) == (1, ["probe", "extract", "measure"])
        await house.records.apply(
            AN_ID, claimed(MOMENT, owner="thief", message="analysis-1", receives=2, until=9e9, epoch=0)
        )
        await asyncio.sleep(2)
        assert house.decoder.open == 0
        assert list(house.scratch_dir.rglob("clip.mp4")) == []
    assert house.record.lease_owner == "thief"


async def test_of_an_analysis_that_is_deleted_while_it_runs_nothing_stays(house: House) -> None:
    async def deleted(bench: Bench, case: Case) -> Case:
        await bench.tools.objects.put(frame_key(AN_ID, "e00"), b"x", content_type="image/jpeg")
        await house.records.apply(AN_ID, closed(MOMENT, Failure(ErrorCode.CANCELLED), epoch=0))
        past = Change(name="dismissed", sources=frozenset({Status.FAILED}), sets={"expires_at": 1})
        await house.records.apply(AN_ID, past)
        await bench.lease.renew()
        return case

    house.stages = (Stage(name="deleted", limit_s=lambda _: 100, share=1, run=deleted),)
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(30)
    assert [key for key in house.objects.stored if key.startswith("artifacts/")] == []
    assert house.analysis_queue.dead == []


async def test_a_stale_token_writes_nothing(house: House) -> None:
    """The lease is taken away while the last stage runs: its `completed` is refused, the other one's counts."""

    async def robbed(bench: Bench, case: Case) -> Case:
        await house.records.apply(
            AN_ID, claimed(MOMENT, owner="thief", message="analysis-1", receives=2, until=9e9, epoch=0)
        )
        await bench.lease.write(completed(MOMENT, token=bench.lease.token))
        return case

    house.stages = (Stage(name="robbed", limit_s=lambda _: 100, share=1, run=robbed),)
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(30)
    assert (house.record.status, house.record.lease_owner) == (Status.PROCESSING, "thief")
    # neither deleted nor handed back: the message is the thief's
    assert house.analysis_queue.bodies != []
    assert house.analysis_queue.hidden == []


async def test_a_permanent_failure_ends_it_at_once(house: House) -> None:
    house.decoder.failures["probe"] = Failure(ErrorCode.VIDEO_TOO_LONG, "700 s")
    await house.ready()
    await house.ask()
    with capture_logs() as logs:
        async with house.analysing():
            await asyncio.sleep(10)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.VIDEO_TOO_LONG)
    assert house.record.error_detail == "700 s"
    assert (house.analysis_queue.bodies, house.analysis_queue.dead) == ([], [])
    (line,) = [line for line in logs if line["event"] == "analysis.failed"]
    assert {"error_code", "retryable", "owner", "runbook_url"} <= set(line)
    assert [line["event"] for line in logs].count("scratch.cleaned") == 1


async def test_a_passing_failure_is_tried_again_and_the_last_cause_is_kept(house: House) -> None:
    house.decoder.failures["measure"] = Failure(ErrorCode.INTERNAL, "a bug")
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(300)
    record = house.record
    assert (record.status, record.error_code, record.attempt) == (Status.FAILED, ErrorCode.RETRIES_EXHAUSTED, 3)
    assert record.error_detail == "try 3 of 3: INTERNAL: a bug"
    assert [letter.reason for letter in house.analysis_queue.dead] == ["RETRIES_EXHAUSTED: try 3 of 3: INTERNAL: a bug"]
    assert house.analysis_queue.bodies == []


async def test_a_stage_past_its_deadline_is_stopped_and_named(house: House) -> None:
    async def hang(bench: Bench, case: Case) -> Case:
        await asyncio.Event().wait()
        return case

    house.stages = (Stage(name="analyze", limit_s=lambda settings: settings.analyze_limit_s, share=1, run=hang),)
    house.settings = house.settings.model_copy(update={"analyze_limit_s": 30, "max_attempts": 1})
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(100)
    assert house.record.error_detail == "try 1 of 1: STAGE_TIMEOUT: analyze took more than 30 s"


async def test_progress_grows_and_is_written_at_most_once_a_second(house: House) -> None:
    house.stages = tiny(2, 2, 2)
    await house.ready()
    await house.ask()
    seen: list[tuple[str | None, int]] = []
    async with house.analysing():
        for _ in range(70):
            await asyncio.sleep(0.1)
            seen.append((house.record.stage, house.record.progress))
    assert [percent for _, percent in seen] == sorted(percent for _, percent in seen)
    assert {"stage0", "stage1", "stage2", "done"} <= {stage for stage, _ in seen}
    written = [change for _, change in house.records.applied].count("progressed")
    assert 3 <= written <= 6 + 3


async def test_progress_that_cannot_be_written_stops_nothing(house: House) -> None:
    house.stages = tiny(10)
    house.faults.at("records.apply", 3, Failure(ErrorCode.STORE_UNAVAILABLE, "test"))
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(20)
    assert (house.record.status, house.record.attempt) == (Status.COMPLETED, 1)


async def test_a_shutdown_hands_the_analysis_back_without_using_up_a_try(house: House) -> None:
    house.stages = tiny(90)
    await house.ready()
    await house.ask()
    async with house.analysing() as controls:
        await asyncio.sleep(5)
        await controls.stopped()
        assert (house.record.status, house.record.attempt, house.record.lease_owner) == (Status.QUEUED, 0, None)
    async with house.analysing():
        await asyncio.sleep(95)
    assert (house.record.status, house.record.attempt) == (Status.COMPLETED, 1)


async def test_a_worker_that_died_in_its_last_try_leaves_a_failed_analysis(house: House) -> None:
    await house.ready(
        status=Status.PROCESSING,
        attempt=3,
        lease_owner="dead",
        lease_message="analysis-1",
        lease_until=9e9,
        lease_token=3,
    )
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(10)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.RETRIES_EXHAUSTED)
    assert len(house.analysis_queue.dead) == 1
    assert house.decoder.calls == []


async def test_a_message_that_kills_its_workers_is_marked_as_poison(house: House) -> None:
    await house.ready(
        status=Status.PROCESSING,
        attempt=1,
        lease_owner="dead",
        lease_message="analysis-1",
        lease_until=9e9,
        lease_token=1,
    )
    await house.ask()
    for _ in range(6):
        (delivery,) = await house.analysis_queue.receive(limit=1, wait_s=1, visibility_s=1)
        await house.analysis_queue.change_visibility(delivery.receipt, 0)
    async with house.analysing():
        await asyncio.sleep(10)
    assert (house.record.status, house.record.error_code) == (Status.FAILED, ErrorCode.POISON_MESSAGE)
    assert [letter.reason for letter in house.analysis_queue.dead] == [
        "POISON_MESSAGE: received 7 times and never ended"
    ]


async def test_a_crash_between_the_mark_and_the_dead_letter_loses_no_message(house: House) -> None:
    await house.ready(status=Status.FAILED, error_code=ErrorCode.RETRIES_EXHAUSTED, error_detail="3 tries")
    await house.ask()
    await house.analysis_queue.receive(limit=1, wait_s=1, visibility_s=1)
    async with house.analysing():
        await asyncio.sleep(10)
    assert [letter.reason for letter in house.analysis_queue.dead] == ["RETRIES_EXHAUSTED: 3 tries"]
    assert house.analysis_queue.bodies == []


async def test_a_message_of_an_old_epoch_is_superseded(house: House) -> None:
    await house.ready(status=Status.FAILED, error_code=ErrorCode.STAGE_TIMEOUT)
    await house.records.apply(AN_ID, reopened(MOMENT))
    await house.ask(epoch=0)
    async with house.analysing():
        await asyncio.sleep(10)
    assert (house.record.status, house.analysis_queue.bodies) == (Status.QUEUED, [])


async def test_an_analysis_without_a_record_is_kept_for_a_person(house: House) -> None:
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(10)
    assert [letter.reason for letter in house.analysis_queue.dead] == ["ANALYSIS_NOT_FOUND"]


@pytest.mark.parametrize("when", ["at", "after", "hang"])
async def test_a_fault_at_any_step_ends_completed_all_the_same(house: House, when: str) -> None:
    """Every call of a clean run goes wrong once: it fails before or after it had its effect, or never answers."""
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(10)
    calls = [call for call in house.faults.calls if call not in ("analysis.send", "records.create")]
    assert len(calls) > 17
    for number, call in enumerate(calls):
        broken = House(scratch_dir=house.scratch_dir)
        await broken.ready()
        nth = calls[: number + 1].count(call)
        if when == "hang":
            broken.faults.hang(call, nth)
        else:
            getattr(broken.faults, when)(call, nth, Failure(ErrorCode.STORAGE_UNAVAILABLE, "test"))
        await broken.ask()
        async with broken.analysing():
            await asyncio.sleep(900)
        assert broken.record.status is Status.COMPLETED, call
        assert broken.analysis_queue.bodies == [], call
        assert broken.record.result_key in broken.objects.stored, call


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ({"max_clip_s": 5}, ErrorCode.VIDEO_TOO_LONG),
        ({"max_clip_pixels": 1000}, ErrorCode.VIDEO_TOO_LARGE_PIXELS),
        ({"max_clip_fps": 20}, ErrorCode.FRAME_RATE_TOO_HIGH),
        ({"clip_codecs": ("hevc",)}, ErrorCode.UNSUPPORTED_CODEC),
        ({"max_clip_s": 10, "max_clip_fps": 30}, None),
    ],
)
async def test_what_no_header_told_is_held_against_this_installations_limits(
    house: House, limit: dict[str, object], code: ErrorCode | None
) -> None:
    house.settings = house.settings.model_copy(update=limit)
    await house.ready()
    await house.ask()
    async with house.analysing():
        await asyncio.sleep(10)
    assert (house.record.status is Status.COMPLETED, house.record.error_code) == (code is None, code)
    assert house.analysis_queue.bodies == []
