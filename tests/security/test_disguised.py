"""Files that want us to read another file, call an address or open a port: they are refused, or read as the clip that
they are, and nobody sees us move. The witnesses are the kernel (inotify), a listening socket, and strace where it is.
"""

import re
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer.media.clip import open_clip
from consumer.media.facts import even_times
from consumer.sandbox.pool import open_sandbox
from consumer.sandbox.protocol import REFUSALS
from consumer.sandbox.spawn import COMMAND
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.clips import barcode_in, barcodes, write_clip
from tests.media.test_foreign_files import Witness
from tests.sandbox.conftest import LIMIT_S, nothing_left, our_pid
from tests.security.disguised import Surroundings, all_of

pytestmark = pytest.mark.usefixtures(nothing_left.__name__)
SDP_PORTS = (15004, 15005)


class Server:
    """A listening socket that nobody should call."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self.port: int = self._socket.getsockname()[1]

    def was_called(self) -> bool:
        try:
            connection, _ = self._socket.accept()
        except BlockingIOError:
            return False
        connection.close()
        return True

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    listening = Server()
    yield listening
    listening.close()


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    """A folder with the disguised files, and next to them the canary: somebody else's clip."""
    folder = tmp_path_factory.mktemp("uploads")
    canary = write_clip(folder / "canary.mp4", barcodes(10))
    matroska = write_clip(folder / "canary.mkv", barcodes(10))
    around = Surroundings(canary=canary, port=server.port)
    for name, data in all_of(canary.read_bytes(), matroska.read_bytes(), around).items():
        (folder / name).write_bytes(data)
    matroska.unlink()
    return folder


@pytest.fixture
def canary(uploads: Path) -> Iterator[Witness]:
    seen = Witness(uploads / "canary.mp4")
    yield seen
    seen.close()


def disguised(uploads: Path) -> list[Path]:
    return sorted(path for path in uploads.iterdir() if path.name != "canary.mp4")


def test_there_are_enough_of_them(uploads: Path) -> None:
    assert len(disguised(uploads)) >= 25


Outcome = ErrorCode | list[int]
# good clips with something before, behind or beside them
GOOD = re.compile(r"elsewhere-(url|file|alias)|linked|page\.mp4|archive-too|list-too|brand")


async def outcomes(uploads: Path, out: Path, command: tuple[str, ...] | None = None) -> dict[str, Outcome]:
    """For each file the code of its refusal, or the barcodes that its pictures carry."""
    found: dict[str, Outcome] = {}
    async with open_sandbox(uploads, command=command) as box:
        for path in disguised(uploads):
            folder = out / path.name
            folder.mkdir()
            try:
                facts = await box.probe(path, limit_s=LIMIT_S)
                frames = await box.extract(path, facts, even_times(0.3, 2), out=folder, limit_s=LIMIT_S)
                found[path.name] = [barcode_in(folder / f"{frame.id}.jpg") for frame in frames]
            except Failure as failure:
                found[path.name] = failure.code
    return found


async def test_none_is_more_than_itself(uploads: Path, tmp_path: Path, server: Server, canary: Witness) -> None:
    found = await outcomes(uploads, tmp_path)
    assert not canary.saw_an_open()
    assert not server.was_called()
    refused = {name: code for name, code in found.items() if isinstance(code, ErrorCode)}
    assert set(refused.values()) <= REFUSALS - {ErrorCode.INTERNAL, ErrorCode.DECODER_CRASHED}
    shown = {name: codes for name, codes in found.items() if name not in refused}
    assert shown == {name: [3, 7] for name in found if GOOD.match(name)}


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not on this machine")
async def test_the_kernel_saw_no_socket_and_no_other_file(uploads: Path, tmp_path: Path) -> None:
    """Not even asked for: a call that our walls refuse would be in the list, too."""
    log, out = tmp_path / "strace.log", tmp_path / "out"
    out.mkdir()
    watched = ("strace", "-D", "-f", "-e", "trace=%network,%file,execve", "-o", str(log), *COMMAND, our_pid())
    found = await outcomes(uploads, out, watched)
    assert len(found) == len(disguised(uploads))
    lines = log.read_text().splitlines()
    # the first of them; what came before was loading our own code
    start = next(number for number, line in enumerate(lines) if disguised(uploads)[0].name in line)
    calls = [line.split(maxsplit=1)[1] for line in lines[start:]]
    assert not [call for call in calls if re.match(r"socket|bind|connect|listen|send|exec", call)]
    opened = {match[1] for call in calls if (match := re.match(r'open(?:at)?\([^"]*"([^"]+)"', call))}
    assert {path.name for path in disguised(uploads)} <= {Path(path).name for path in opened}
    assert not {path for path in opened if "canary" in path or "passwd" in path or "sequence0" in path}


def test_the_whitelists_alone_follow_none(uploads: Path, server: Server, canary: Witness) -> None:
    """In this process, without a sandbox and without looking at the first bytes."""
    found = set()
    for path in disguised(uploads):
        try:
            with open_clip(path) as clip:
                list(clip.packets())
        except Failure as failure:
            found.add(failure.code)
    assert found == {ErrorCode.METADATA_EXTRACTION_FAILED}
    assert not canary.saw_an_open()
    assert not server.was_called()
    bound = Path("/proc/self/net/udp").read_text() + Path("/proc/self/net/udp6").read_text()
    assert not [port for port in SDP_PORTS if f":{port:04X} " in bound]
