"""The embedded AWS keeps what it was given, over any end, and says what is in its way."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from core.aws.clients import Clients, open_clients
from core.aws.objects import S3Objects
from core.aws.queue import open_queue
from core.aws.records import DynamoRecords
from core.settings import Settings
from ops.emulator import SAVE_EVERY_S, CannotStart, assert_readable
from ops.provision import provision
from tests.emulator import ORIGIN, ROOT, Emulator, environment, fresh_settings, running_emulator
from tests.fakes import a_record

BODY = os.urandom(100_000)


async def _fill(settings: Settings) -> None:
    async with open_clients(settings) as clients:
        await S3Objects(clients.s3, settings.bucket).put("videos/x.mp4", BODY, content_type="video/mp4")
        queue = await open_queue(clients, settings.analysis_queue)
        for body in ("held", "waiting"):
            await queue.send(body, {"traceparent": "t"})
        [held] = await queue.receive(limit=1, wait_s=0, visibility_s=300)
        assert held.body == "held"
        await DynamoRecords(clients.dynamodb, settings.table).create(a_record())


async def _assert_whole(settings: Settings) -> None:
    async with open_clients(settings) as clients:
        objects = S3Objects(clients.s3, settings.bucket)
        assert await objects.read("videos/x.mp4") == BODY
        cors = await clients.s3.get_bucket_cors(Bucket=settings.bucket)
        assert cors["CORSRules"][0]["AllowedOrigins"] == [ORIGIN]
        queue = await open_queue(clients, settings.analysis_queue)
        found = await queue.receive(limit=10, wait_s=0, visibility_s=60)
        assert [(one.body, dict(one.attributes)) for one in found] == [("waiting", {"traceparent": "t"})]
        assert await DynamoRecords(clients.dynamodb, settings.table).get(a_record().analysis_id) == a_record()
        await _assert_events_still_flow(clients, settings, objects)


async def _assert_events_still_flow(clients: Clients, settings: Settings, objects: S3Objects) -> None:
    await objects.put("videos/later.mp4", b"x" * 10, content_type="video/mp4")
    ingest = await open_queue(clients, settings.ingest_queue)
    bodies = [one.body for one in await ingest.receive(limit=10, wait_s=2, visibility_s=60)]
    assert any("videos/later.mp4" in body for body in bodies)


def _killed(emulator: Emulator) -> None:
    time.sleep(SAVE_EVERY_S * 2)
    assert emulator.stop(signal.SIGKILL) == -signal.SIGKILL


def _terminated(emulator: Emulator) -> None:
    assert emulator.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("end", [_killed, _terminated])
async def test_state_survives(tmp_path: Path, end: Callable[[Emulator], None]) -> None:
    with running_emulator(tmp_path) as first:
        settings = fresh_settings(first.url)
        await provision(settings)
        await _fill(settings)
        end(first)
        port = int(first.url.rsplit(":", 1)[1])
    with running_emulator(tmp_path, port=port) as second:
        await _assert_whole(settings)
        _terminated(second)
        assert second.log.read_text() == ""


async def test_a_foreign_access_key_is_refused(emulator: Emulator) -> None:
    """The key's id is checked; ministack checks signatures of presigned addresses and upload policies only."""
    stranger = fresh_settings(emulator.url, AWS_ACCESS_KEY_ID="guessed")
    async with open_clients(stranger) as clients:
        with pytest.raises(ClientError, match="security token"):
            await clients.sqs.list_queues()


def test_only_loopback_is_listened_on(emulator: Emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")
    found = psutil.Process(emulator.process.pid).net_connections(kind="inet")
    assert {one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


def _refused(*arguments: str) -> str:
    argv = [sys.executable, "-m", "ops.emulator", *arguments]
    done = subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return line


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in _refused("--port", str(port), "--data", str(tmp_path))


def test_two_on_one_folder_are_one_line(emulator: Emulator) -> None:
    assert "another emulator" in _refused("--port", "0", "--data", str(emulator.data))


def test_a_damaged_state_file_is_one_line_and_stays_as_it_is(tmp_path: Path) -> None:
    damaged = tmp_path / "state" / "sqs.json"
    damaged.parent.mkdir()
    damaged.write_text('{"__ministack_format__": 2, "payl')
    line = _refused("--port", "0", "--data", str(tmp_path))
    assert str(damaged) in line
    assert "damaged" in line
    assert damaged.read_text() == '{"__ministack_format__": 2, "payl'


def test_a_file_that_was_being_written_is_no_damage(tmp_path: Path) -> None:
    """ministack writes beside the file and then replaces it."""
    (tmp_path / "sqs.json").write_text("{}")
    (tmp_path / "sqs.json.tmp").write_text('{"__mini')
    assert_readable(tmp_path)


def test_bytes_that_are_no_text_are_damage(tmp_path: Path) -> None:
    (tmp_path / "s3.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CannotStart, match=r"s3\.json is damaged"):
        assert_readable(tmp_path)


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    starter = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-m', 'ops.emulator', '--port', '0', '--data', sys.argv[1],"
        " '--with-parent'], stdout=subprocess.PIPE)\n"
        "print(child.stdout.readline().decode(), child.pid)\n"
    )
    argv = [sys.executable, "-c", starter, str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=20, check=True)
    ready, pid = done.stdout.strip().splitlines()
    assert json.loads(ready)["event"] == "emulator.ready"
    deadline = time.monotonic() + 10
    while psutil.pid_exists(int(pid)) and psutil.Process(int(pid)).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the emulator outlived its parent"
        time.sleep(0.05)
