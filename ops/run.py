"""`make run`: the whole product on this machine, with an AWS of its own on loopback.

Starts the emulator, provisions it, then runs the Procfile's processes until Ctrl-C.
"""

import argparse
import asyncio
import fcntl
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from honcho.manager import Manager

from core.settings import load_settings
from ops.keep import ROOT, commands
from ops.provision import provision

DATA = Path(".data")
READY_S = 30
STOP_S = 5

# where a frontend in development is served from
FRONTENDS = (3000, 5173)
LOOPBACK = ("localhost", "127.0.0.1")
# On this machine only: long polls and drains are short, so that Ctrl-C is answered at once, and probes are frequent.
LOCAL = {
    "LOG_FORMAT": "console",
    "POLL_WAIT_S": "2",
    "DRAIN_S": "3",
    "PROBE_INTERVAL_S": "60",
    "PYTHONUNBUFFERED": "1",
}

WELCOME = """
Performate is ready: open {url} and drop a clip, or

  curl -s -F file=@clip.mp4 -F sport_type=bouldering {url}/upload
  curl -s {url}/analysis/ID/status
  curl -s {url}/analysis/ID
  curl -s {url}/health/analysis-pipeline     # what the prober says: a clip of its own, once a minute

ID is the analysis_id that the first line answers. What is kept lies in {data}; Ctrl-C stops everything.
"""


class CannotRun(Exception):
    """The text says what is in the way and what to do."""


def environment(given: Mapping[str, str], *, port: int, emulator_port: int) -> dict[str, str]:
    """What the processes see: never a real AWS account, whatever this shell is set to."""
    ours = {name: value for name, value in given.items() if not name.startswith("AWS_")}
    own_aws = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{emulator_port}",
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "performate-local",
        "AWS_SECRET_ACCESS_KEY": "performate-local",
        "BUCKET": "performate-local",
        "PROBE_URL": f"http://127.0.0.1:{port}",
    }
    # the page uploads to the bucket from the service's own address
    ours.setdefault("CORS_ORIGINS", ",".join(f"http://{host}:{n}" for n in (port, *FRONTENDS) for host in LOOPBACK))
    # the prober removes what it made as an operator does; nobody else needs to know this one
    ours.setdefault("ADMIN_TOKEN", secrets.token_hex(16))
    path = f"{Path(sys.executable).parent}{os.pathsep}{given.get('PATH', '')}"
    return {**LOCAL, **ours, **own_aws, "HOST": "127.0.0.1", "PORT": str(port), "PATH": path}


def assert_free(port: int, option: str) -> None:
    """Raises CannotRun when somebody listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise CannotRun(
                f"port {port} is taken ({error.strerror}): stop what listens there, or make run {option}=N"
            ) from error


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Holds the data folder: two emulators on one state would overwrite each other."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotRun(
                f"another `make run` works in {data.resolve()} (pid {_pid_in(lock)}): stop that one first"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _pid_in(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read().strip() or "unknown"


def wait_for(url: str, process: subprocess.Popen[bytes] | None = None) -> bool:
    """True once the address answers anything; False when it does not in time, or its process has ended."""
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310  # loopback, built here
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            time.sleep(0.1)
    return False


@contextmanager
def emulator(env: Mapping[str, str], *, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The embedded AWS, in its own session so that Ctrl-C reaches it last. Raises CannotRun when it does not start."""
    argv = [sys.executable, "-m", "ops.emulator", "--port", str(port), "--data", str(DATA / "aws"), "--with-parent"]
    process = subprocess.Popen(argv, env=dict(env), start_new_session=True)
    try:
        if not wait_for(env["AWS_ENDPOINT_URL"], process):
            raise CannotRun("the AWS emulator did not start: what it printed stands above")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _watch(process: subprocess.Popen[bytes], ended: threading.Event) -> None:
    """Without its AWS nothing works: stops the run when the emulator ends before it."""
    code = process.wait()
    if ended.is_set():
        return
    sys.stderr.write(f"the AWS emulator ended (exit {code}): stopping; its data is kept, `make run` starts again\n")
    os.kill(os.getpid(), signal.SIGTERM)


def _welcome(url: str) -> None:
    if wait_for(f"{url}/livez"):
        sys.stdout.write(WELCOME.format(url=url, data=DATA.resolve()))
        sys.stdout.flush()


def run_procfile(env: Mapping[str, str], *, url: str, aws: subprocess.Popen[bytes]) -> int:
    """Runs the Procfile until a signal, or until one process ends as it starts; returns the exit code, 0 after Ctrl-C.
    One that ends later is waited for (ops/keep.py)."""
    manager = Manager()
    for name in commands():
        manager.add_process(name, f"exec python -m ops.keep {name}", env=dict(env), cwd=str(ROOT))
    ended = threading.Event()
    threading.Thread(target=_watch, args=(aws, ended), daemon=True).start()
    threading.Thread(target=_welcome, args=(url,), daemon=True).start()
    # a closed terminal must stop the children as Ctrl-C does
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    manager.loop()
    ended.set()
    return 0 if manager.returncode == 128 + signal.SIGINT else int(manager.returncode or 0)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make run", description=__doc__)
    parser.add_argument("--port", type=int, default=8000, help="the service's port (default 8000)")
    parser.add_argument("--emulator-port", type=int, default=4566, help="the embedded AWS's port (default 4566)")
    options = parser.parse_args(argv)
    os.chdir(ROOT)
    env = environment(os.environ, port=options.port, emulator_port=options.emulator_port)
    try:
        with only_one(DATA):
            assert_free(options.port, "PORT")
            assert_free(options.emulator_port, "EMULATOR_PORT")
            with emulator(env, port=options.emulator_port) as aws:
                sys.stdout.write("".join(f"{line}\n" for line in asyncio.run(provision(load_settings(env)))))
                return run_procfile(env, url=f"http://127.0.0.1:{options.port}", aws=aws)
    except CannotRun as reason:
        sys.stderr.write(f"make run: {reason}\n")
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
