"""Messages to people and check-ins at Sentry, taken by servers of the test's own on loopback."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from core.dsn import Address
from core.probing import MONITOR, Cadence
from core.settings import load_settings
from core.trace import new_trace
from core.verdicts import Alarm
from prober.alarms import SIGNATURE, Notifier, notifier_of
from prober.checkins import CheckIns, checkins_of
from tests.prober.examples import a_board, a_run

ALARM = Alarm(alarm_id="a1", kind="down", at="2026-11-24T12:00:00.000Z")
BOARD = a_board(a_run("fail"), state="down", since="2026-11-24T12:00:00.000Z")


@dataclass(kw_only=True)
class Receiver:
    """Keeps what comes and answers `status`."""

    status: int = 200
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.got.append((request.path, dict(request.headers), await request.read()))
        return web.Response(status=self.status)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    found, app = Receiver(), web.Application()
    app.router.add_post("/{tail:.*}", found.take)
    async with TestServer(app) as server:
        found.url = str(server.make_url("/"))
        yield found


async def test_a_json_alarm_is_signed(receiver: Receiver) -> None:
    assert await Notifier(url=receiver.url, shape="json", secret="key").send(ALARM, BOARD)
    ((_, headers, body),) = receiver.got
    expected = hmac.new(b"key", body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={expected}"
    told = json.loads(body)
    assert (told["kind"], told["alarm_id"], told["state"]) == ("down", "a1", "down")
    assert told["last_failure"]["failed_stage"] == "queue"
    assert told["last_failure"]["error_code"] == "STAGE_TIMEOUT"
    assert told["last_failure"]["runbook"]


async def test_slack_gets_a_sentence_and_nothing_else(receiver: Receiver) -> None:
    assert await Notifier(url=receiver.url, shape="slack", secret="").send(ALARM, BOARD)
    ((_, headers, body),) = receiver.got
    assert list(json.loads(body)) == ["text"]
    assert "STAGE_TIMEOUT" in json.loads(body)["text"]
    assert SIGNATURE not in headers


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_refused_alarm_is_not_told(receiver: Receiver, status: int) -> None:
    receiver.status = status
    assert not await Notifier(url=receiver.url, shape="json", secret="key").send(ALARM, BOARD)


async def test_nobody_there_is_not_told(capfd: pytest.CaptureFixture[str]) -> None:
    assert not await Notifier(url="http://127.0.0.1:1/secret-path", shape="json", secret="").send(ALARM, BOARD)
    assert "secret-path" not in capfd.readouterr().out


async def test_without_an_address_the_log_is_enough() -> None:
    assert await notifier_of(load_settings({"BUCKET": "b"})).send(ALARM, BOARD)


def the_item(body: bytes) -> dict[str, Any]:
    _, header, payload, _ = body.decode().split("\n")
    assert json.loads(header) == {"type": "check_in", "length": len(payload)}
    found: dict[str, Any] = json.loads(payload)
    return found


def checkins_at(receiver: Receiver) -> CheckIns:
    dsn = receiver.url.replace("http://", "http://publickey@") + "42"
    return checkins_of(load_settings({"BUCKET": "b", "SENTRY_DSN": dsn, "VERSION": "1.2"}))


@pytest.mark.parametrize(("result", "status"), [("pass", "ok"), ("warn", "ok"), ("fail", "error")])
async def test_check_ins_have_one_id_and_a_duration(receiver: Receiver, result: str, status: str) -> None:
    checkins, trace = checkins_at(receiver), new_trace()
    begun = await checkins.begin(Cadence(), trace)
    await checkins.end(begun, a_run(result))
    (path, headers, first), (_, _, last) = receiver.got
    assert path == "/api/42/envelope/"
    assert "sentry_key=publickey" in headers["X-Sentry-Auth"]
    began, ended = the_item(first), the_item(last)
    assert (began["status"], ended["status"]) == ("in_progress", status)
    assert began["check_in_id"] == ended["check_in_id"]
    assert began["monitor_slug"] == ended["monitor_slug"] == MONITOR
    assert began["monitor_config"] == Cadence().monitor_config
    assert 0 <= ended["duration"] < 5
    assert began["contexts"]["trace"]["trace_id"] == trace.trace_id


async def test_a_cancelled_run_has_no_last_word(receiver: Receiver) -> None:
    checkins = checkins_at(receiver)
    await checkins.end(await checkins.begin(Cadence(), new_trace()), a_run("cancelled"))
    assert [the_item(body)["status"] for _, _, body in receiver.got] == ["in_progress"]


async def test_sentry_away_changes_nothing() -> None:
    checkins = CheckIns(address=Address(envelopes="http://127.0.0.1:1/", key="k"), release="r")
    async with asyncio.timeout(20):
        await checkins.end(await checkins.begin(Cadence(), new_trace()), a_run())


async def test_without_a_dsn_nothing_is_sent() -> None:
    assert await checkins_of(load_settings({"BUCKET": "b"})).begin(Cadence(), new_trace()) is None


@pytest.mark.parametrize("dsn", ["nonsense", "https://host/1", "ftp://k@host/1", "https://k@host/"])
def test_a_dsn_that_is_none_is_refused_and_not_repeated(dsn: str) -> None:
    with pytest.raises(ValueError, match="KEY@HOST") as refused:
        Address.of(dsn)
    assert dsn not in str(refused.value)
