"""`performate doctor`: what is well is ok, what is broken is a fail with what to do, nothing is changed by looking."""

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from core.aws.clients import Clients, open_clients
from core.aws.queue import dead_letter_name, open_queue
from core.aws.verdicts import DynamoVerdicts
from core.error_codes import ErrorCode
from core.failure import Failure
from core.pose_weights import DETECTOR
from core.settings import Settings
from ops.checkup import cloud, configuration, machine
from ops.checkup.finding import Finding, within, worst
from ops.doctor import CHECKS, examine, page
from tests.emulator import ORIGIN, Emulator, fresh_settings
from tests.ops.commands import performate
from tests.prober.examples import a_board

MOMENT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LOCAL = ("weights", "decoder", "scratch", "user")
ENV = {"CORS_ORIGINS": ORIGIN, "POLL_WAIT_S": "2"}
ASKING = [name for name in CHECKS if name not in LOCAL]


def levels(findings: Sequence[Finding]) -> Mapping[str, str]:
    """The worst of each check."""
    return {one.check: worst([other for other in findings if other.check == one.check]) for one in findings}


@pytest.mark.timeout(120)
async def test_a_sound_installation_has_no_failure(aws: Settings) -> None:
    found = await examine(aws, CHECKS)
    assert [one for one in found if one.level == "fail"] == []
    assert {"access", "clock", "queues", "table", "presigned", "cors", "decoder"} <= {
        one.check for one in found if one.level == "ok"
    }
    assert all(one.advice for one in found if one.level != "ok")


async def test_without_anything_each_thing_is_named(emulator: Emulator) -> None:
    settings = fresh_settings(emulator.url)
    found = await examine(settings, ASKING)
    assert levels(found) | {"clock": "ok"} == {
        **dict.fromkeys(("access", "bucket", "queues", "table", "presigned", "messages", "prober"), "fail"),
        **dict.fromkeys(("settings", "credentials", "clock", "cors", "model"), "ok"),
        **dict.fromkeys(("admin token", "sentry", "alarms"), "warn"),
    }
    # looking made nothing
    assert levels(await examine(settings, ["access"]))["access"] == "fail"


async def test_nobody_there_is_said_and_waits_for_nobody() -> None:
    settings = fresh_settings("http://127.0.0.1:1")
    found = await examine(settings, ["access", "setup", "messages"])
    assert {one.level for one in found} == {"fail"}
    assert "cannot be reached" in found[0].told
    assert [one.advice for one in found[1:]] == [
        "performate errors STORAGE_UNAVAILABLE",
        "performate errors QUEUE_UNAVAILABLE",
    ]


async def test_dead_letters_are_a_warning(aws: Settings, clients: Clients) -> None:
    await (await open_queue(clients, dead_letter_name(aws.analysis_queue))).send("{}", {})
    found = await cloud.of_dead_letters(clients, aws)
    assert [one.level for one in found] == ["ok", "warn"]
    assert found[1].advice == "performate dlq ls --queue analysis"


async def test_the_prober_is_quoted(aws: Settings, clients: Clients) -> None:
    verdicts = DynamoVerdicts(clients.dynamodb, aws.table)
    board = await verdicts.swap(seen=None, wanted=a_board())
    assert board is not None
    assert board.last is not None
    ended = datetime.fromisoformat(board.last.finished_at)
    [soon] = await cloud.of_prober(clients, aws, ended + timedelta(seconds=10))
    assert (soon.level, "10 s ago: pass" in soon.told) == ("ok", True)
    [late] = await cloud.of_prober(clients, aws, ended + timedelta(hours=1))
    assert late.level == "warn"


async def test_wrong_origins_are_refused(aws: Settings, clients: Clients) -> None:
    found = await cloud.of_preflight(clients, aws.model_copy(update={"cors_origins": ("https://other.example",)}))
    assert [(one.check, one.level) for one in found] == [("cors", "fail")]
    empty = await cloud.of_preflight(clients, aws.model_copy(update={"cors_origins": ()}))
    assert [(one.check, one.level) for one in empty] == [("cors", "warn")]


async def test_wrong_keys_fail_the_signature(emulator: Emulator, aws: Settings) -> None:
    wrong = fresh_settings(emulator.url, AWS_SECRET_ACCESS_KEY="another", BUCKET=aws.bucket)
    async with open_clients(wrong) as clients:
        found = [*await cloud.of_access(clients, wrong, MOMENT), *await cloud.of_signature(clients, wrong)]
    assert {one.check: one.level for one in found}["presigned"] == "fail"
    assert "HTTP 403" in found[-1].told


@pytest.mark.parametrize(
    ("off_s", "level"), [(0, "ok"), (-29, "ok"), (31, "warn"), (-31, "warn"), (241, "fail"), (-9000, "fail")]
)
def test_the_clock(off_s: int, level: str) -> None:
    [found] = cloud.clock({"date": format_datetime(MOMENT, usegmt=True)}, MOMENT + timedelta(seconds=off_s))
    assert (found.check, found.level) == ("clock", level)


def test_without_a_date_nothing_is_said_of_the_clock() -> None:
    assert cloud.clock({}, MOMENT) == []


async def test_weights_that_are_damaged(aws: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(aws.weights_dir, folder)
    (folder / DETECTOR.name).write_bytes(b"\0" * DETECTOR.size)
    settings = aws.model_copy(update={"weights_dir": folder})
    [weights] = await machine.of_weights(settings)
    [decoder] = await machine.of_decoder(settings)
    assert (weights.level, decoder.level) == ("fail", "warn")
    assert DETECTOR.name in weights.told


async def test_scratch_that_is_too_small_or_not_writable(aws: Settings, tmp_path: Path) -> None:
    async def level(**changed: object) -> str:
        [found] = await machine.of_scratch(aws.model_copy(update={"scratch_dir": tmp_path, **changed}))
        return found.level

    assert await level() == "ok"
    assert await level(scratch_bytes=1 << 60) == "warn"
    assert await level(scratch_bytes=1 << 60, max_upload_bytes=1 << 60) == "fail"
    taken = tmp_path / "file"
    taken.touch()
    assert await level(scratch_dir=taken) == "fail"


async def test_settings_that_are_seldom_meant(aws: Settings) -> None:
    async def of(**changed: str) -> Mapping[str, str]:
        given = fresh_settings("http://127.0.0.1:1", **changed)
        found = await configuration.of_settings(given)
        assert not any(secret in f"{found}" for secret in ("hunter2", "verysecret"))
        return levels(found)

    assert (await of(ADMIN_TOKEN="hunter2"))["admin token"] == "warn"
    assert (await of(ADMIN_TOKEN="hunter2" * 5))["admin token"] == "ok"
    assert (await of(SENTRY_DSN="https://verysecret@sentry.example/1"))["sentry"] == "ok"
    with pytest.raises(SystemExit) as refused:
        await of(SENTRY_DSN="verysecret")
    assert refused.value.code == 2
    assert (await of(ALARM_URL="ftp://verysecret"))["alarms"] == "fail"
    assert (await of(ALARM_URL="https://verysecret"))["alarms"] == "warn"
    assert (await of(ALARM_URL="https://verysecret", ALARM_SECRET="hunter2"))["alarms"] == "ok"


async def test_a_check_that_breaks_down_hides_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    async def broken() -> Sequence[Finding]:
        raise KeyError("ours")

    async def refused() -> Sequence[Finding]:
        raise Failure(ErrorCode.QUEUE_UNAVAILABLE, "test")

    async def hangs() -> Sequence[Finding]:
        await asyncio.Event().wait()
        raise AssertionError

    [one] = await within("x", broken)
    assert (one.level, "KeyError" in one.told) == ("fail", True)
    assert "KeyError" in capsys.readouterr().err
    [one] = await within("x", refused)
    assert (one.told, one.advice) == ("QUEUE_UNAVAILABLE: test", "performate errors QUEUE_UNAVAILABLE")
    [one] = await within("x", hangs, limit_s=0.01)
    assert "no answer" in one.told


async def test_without_the_rights_to_look_it_says_so(aws: Settings, clients: Clients) -> None:
    """A worker's own rights are enough for the rest: that is no failure."""
    finding = cloud.forbidden(Failure(ErrorCode.STORAGE_UNAVAILABLE, "GetBucketEncryption refused: AccessDenied"))
    assert finding is not None
    assert finding.level == "warn"
    assert cloud.forbidden(Failure(ErrorCode.STORAGE_UNAVAILABLE, "GetBucketEncryption refused: 500")) is None


def test_a_page_for_people() -> None:
    found = [
        Finding(check="a", level="ok", told="well"),
        Finding(check="bcd", level="fail", told="ill", advice="do"),
    ]
    assert page(found).splitlines() == ["ok    a    well", "fail  bcd  ill", "           -> do"]


@pytest.mark.timeout(120)
async def test_at_the_command_line(aws: Settings) -> None:
    told, failed, wrong = await asyncio.gather(
        performate(aws, "doctor", "--json", *(f"--only={name}" for name in ("access", "setup", "scratch")), env=ENV),
        performate(aws.model_copy(update={"bucket": "not-there"}), "doctor", "--only", "access"),
        performate(aws, "doctor", "--only", "nonsense"),
    )
    assert told.code == 0, told.err
    assert {one["level"] for one in json.loads(told.out)} == {"ok"}
    assert (failed.code, failed.out.splitlines()[0]) == (1, "fail  access  there is no bucket not-there")
    assert wrong.code == 2
