"""Verdicts on the pipeline as a prober would have left them: half a day of runs, with one failure and a silence."""

from datetime import UTC, datetime, timedelta

from core.aws.clients import open_clients
from core.aws.verdicts import DynamoVerdicts
from core.error_codes import ErrorCode
from core.record import rfc3339
from core.settings import load_settings
from core.verdicts import STAGES, Archive, Board, Run, StageTime, archived
from tests.flow.product import Product

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TIMES = (40, 310, 35, 420, 90, 480, 3300, 110, 60)
EVERY = timedelta(minutes=5)


def run(number: int, at: datetime, result: str = "pass") -> Run:
    failed = result == "fail"
    stages = STAGES[:7] if failed else STAGES
    times = tuple(StageTime(stage=stage, ms=ms + number % 7) for stage, ms in zip(stages, TIMES, strict=False))
    return Run(
        run_id=f"{number:016x}",
        trigger="loop",
        result=result,
        started_at=rfc3339(at - timedelta(seconds=5)),
        finished_at=rfc3339(at),
        wall_ms=sum(one.ms for one in times),
        stages=times,
        failed_stage="analyze" if failed else None,
        error_code=ErrorCode.PROBE_WRONG_ANSWER if failed else None,
        slow_stage="analyze" if result == "warn" else None,
        trace_id=TRACE,
        method="pose",
    )


async def plant_verdicts(product: Product, *, now: datetime | None = None) -> None:
    now = now or datetime.now(UTC)
    results = {20: "fail", 21: "fail", 40: "warn", 55: "cancelled"}
    archive, failure = Archive(), None
    for number in range(1, 61):
        at = now - EVERY * (60 - number) - (timedelta(hours=3) if number < 30 else timedelta())
        one = run(number, at, results.get(number, "pass"))
        archive = archived(archive, one, interval_s=EVERY.total_seconds())
        failure = one if one.result == "fail" else failure
    board = Board(
        state="up",
        since=rfc3339(now - timedelta(hours=6)),
        recent=("pass",) * 5,
        last=archive.runs[0],
        last_failure=failure,
        next_at=rfc3339(now + EVERY),
    )
    async with open_clients(load_settings(product.env)) as clients:
        verdicts = DynamoVerdicts(clients.dynamodb, product.env.get("TABLE", "performate-analyses"))
        assert await verdicts.swap(seen=await verdicts.board(), wanted=board) is not None
        assert await verdicts.keep(archive, token=1)
