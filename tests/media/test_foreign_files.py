"""Lists that make FFmpeg open other files, named like a clip: none of those is opened. The kernel is the witness."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import av
import pytest

from consumer.media.clip import open_clip
from consumer.media.probe import probe
from core.error_codes import ErrorCode
from core.failure import Failure
from tests.media.conftest import Made

IN_OPEN, IN_NONBLOCK = 0x20, 0o4000


class Witness:
    """Sees every open of one file, by whatever code (inotify)."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(IN_NONBLOCK)
        if self._events < 0 or libc.inotify_add_watch(self._events, os.fsencode(path), IN_OPEN) < 0:
            raise OSError(ctypes.get_errno(), "inotify")

    def saw_an_open(self) -> bool:
        try:
            return bool(os.read(self._events, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._events)


@pytest.fixture
def canary(made: Made, tmp_path: Path) -> Path:
    """A good clip next to the upload: somebody else's."""
    path = tmp_path / "canary.mp4"
    path.write_bytes(made("h264.mp4").read_bytes())
    return path


@pytest.fixture
def witness(canary: Path) -> Iterator[Witness]:
    seen = Witness(canary)
    yield seen
    seen.close()


LISTS = {
    "concat": "ffconcat version 1.0\nfile canary.mp4\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\ncanary.mp4\n#EXT-X-ENDLIST\n",
    "hls-absolute": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{canary}\n#EXT-X-ENDLIST\n",
    "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 15004 RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\n",
    "dash": '<?xml version="1.0"?><MPD><Period><BaseURL>canary.mp4</BaseURL></Period></MPD>',
    "reference": "[Reference]\r\nRef1=canary.mp4\r\n",
}


def upload(canary: Path, text: str, name: str) -> Path:
    path = canary.parent / name
    body = text.replace("{canary}", str(canary))
    path.write_text(body + "\n" * (2000 - len(body)))
    return path


@pytest.mark.parametrize("name", ["clip.mp4", "clip.m3u8", "clip.sdp"])
@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_a_list_is_refused_and_its_files_stay_shut(canary: Path, witness: Witness, text: str, name: str) -> None:
    path = upload(canary, text, name)
    with pytest.raises(Failure) as caught:
        probe(path)
    assert caught.value.code is ErrorCode.UNSUPPORTED_CONTAINER
    # and behind the sniffing: the whitelist alone refuses it as well
    with pytest.raises(Failure) as caught, open_clip(path):
        pass
    assert caught.value.code is ErrorCode.METADATA_EXTRACTION_FAILED
    assert not witness.saw_an_open()


def test_the_witness_sees_what_defaults_would_do(canary: Path, witness: Witness) -> None:
    path = upload(canary, LISTS["concat"], "clip.mp4")
    with av.open(str(path)) as container:
        assert len(container.streams) == 1
    assert witness.saw_an_open()


def test_a_name_is_never_a_protocol(canary: Path, witness: Witness) -> None:
    for name in ("concat:canary.mp4|canary.mp4", "subfile,,start,0,end,0,,:canary.mp4", "http://127.0.0.1:9/x.mp4"):
        with chdir(canary.parent), pytest.raises(Failure), open_clip(Path(name)):
            pass
    assert not witness.saw_an_open()
