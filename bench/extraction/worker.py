# ruff: noqa: PLC0415, S607  # each method imports its own library; ffmpeg is the one that PATH names
"""One method, one clip, one set of pictures: run by bench/extract.py in the method's own environment.

    python worker.py METHOD CLIP OUT  < {"index": [...], "t": [...], "size": [...]}

Writes OUT/00.jpg, 01.jpg, ... (1024 pixels wide) in the order asked for, which ascends, and prints the milliseconds
from opening the file to the last JPEG and the peak of memory. What is imported and loaded before does not count.
"""

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.memory import peak_bytes

WIDTH, QUALITY, THREADS = 1024, 85, 2


def _write(out: Path, number: int, image: Any) -> None:
    import cv2

    height = round(image.shape[0] * WIDTH / image.shape[1])
    small = cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    (out / f"{number:02d}.jpg").write_bytes(data.tobytes())


def ours(clip: Path, out: Path, wanted: dict[str, list[Any]]) -> float:
    """Without the policy's probe, which the others do not make: a size and a rotation is all that is needed of it."""
    from consumer.media.facts import Probe

    width, height = wanted["size"]
    facts = Probe(
        container="mp4", codec="h264", width=width, height=height, rotation=0, duration_s=None, fps=None, bytes=1
    )
    return _extracted(clip, out, wanted, facts)


def ours_probed(clip: Path, out: Path, wanted: dict[str, list[Any]]) -> float:
    """With the probe: all that happens to a clip before its pictures are there."""
    from consumer.media.probe import probe

    started = time.perf_counter()
    facts = probe(clip)
    return time.perf_counter() - started + _extracted(clip, out, wanted, facts)


def _extracted(clip: Path, out: Path, wanted: dict[str, list[Any]], facts: Any) -> float:
    from consumer.media.facts import Moment
    from consumer.media.frames import extract

    started = time.perf_counter()
    frames = extract(clip, facts, [Moment(t=t) for t in wanted["t"]], out=out, progress=lambda share: None)
    elapsed = time.perf_counter() - started
    for number, frame in enumerate(frames):
        (out / f"{frame.id}.jpg").rename(out / f"{number:02d}.jpg")
    return elapsed


def cv2_seeks(clip: Path, out: Path, wanted: dict[str, list[Any]]) -> float:
    import cv2

    started = time.perf_counter()
    capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, THREADS])
    for number, index in enumerate(wanted["index"]):
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        _, image = capture.read()
        _write(out, number, image)
    return time.perf_counter() - started


def cv2_in_order(clip: Path, out: Path, wanted: dict[str, list[Any]]) -> float:
    import cv2

    started = time.perf_counter()
    capture = cv2.VideoCapture(str(clip), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, THREADS])
    at = -1
    for number, index in enumerate(wanted["index"]):
        while at < index:
            capture.grab()
            at += 1
        _, image = capture.retrieve()
        _write(out, number, image)
    return time.perf_counter() - started


def ffmpeg(clip: Path, out: Path, wanted: dict[str, list[Any]]) -> float:
    """Few pictures: one process after the other, each seeking. Many: one process that reads in order and selects."""
    started = time.perf_counter()
    shape = f"scale={WIDTH}:-2:flags=area"
    common = ["-y", "-loglevel", "error", "-threads", str(THREADS)]
    if len(wanted["t"]) <= 10:
        for number, t in enumerate(wanted["t"]):
            # half a thousandth early: it shows the first picture at or after that
            where = [*common, "-ss", f"{max(0.0, t - 0.0005):.6f}", "-i", str(clip), "-frames:v", "1", "-vf", shape]
            subprocess.run(["ffmpeg", *where, "-q:v", "3", str(out / f"{number:02d}.jpg")], check=True)
    else:
        chosen = "+".join(f"eq(n\\,{index})" for index in wanted["index"])
        where = [*common, "-i", str(clip), "-vf", f"select='{chosen}',{shape}", "-vsync", "0", "-start_number", "0"]
        subprocess.run(["ffmpeg", *where, "-q:v", "3", str(out / "%02d.jpg")], check=True)
    return time.perf_counter() - started


def decord2(clip: Path, out: Path, wanted: dict[str, list[Any]]) -> float:
    from decord import VideoReader, cpu

    started = time.perf_counter()
    reader = VideoReader(str(clip), ctx=cpu(0), num_threads=THREADS)
    # one by one: a batch holds every picture at once
    for number, index in enumerate(wanted["index"]):
        _write(out, number, reader[index].asnumpy()[:, :, ::-1])
    return time.perf_counter() - started


def torchcodec(clip: Path, out: Path, wanted: dict[str, list[Any]]) -> float:
    from torchcodec.decoders import VideoDecoder

    started = time.perf_counter()
    decoder = VideoDecoder(str(clip), num_ffmpeg_threads=THREADS, dimension_order="NHWC")
    # one call for all: that is its quick way, it sorts them and decodes each stretch once
    for number, image in enumerate(decoder.get_frames_at(wanted["index"]).data):
        _write(out, number, image.numpy()[:, :, ::-1])
    return time.perf_counter() - started


METHODS = {run.__name__: run for run in (ours, ours_probed, cv2_seeks, cv2_in_order, ffmpeg, decord2, torchcodec)}
LOADS = {
    "ours": "consumer.media.probe consumer.media.frames",
    "ours_probed": "consumer.media.probe consumer.media.frames",
    "cv2_seeks": "cv2",
    "cv2_in_order": "cv2",
    "ffmpeg": "",
    "decord2": "cv2 decord",
    "torchcodec": "cv2 torchcodec.decoders",
}


def _cpu_s() -> float:
    """Of this process and its children, all threads."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _peak_mb(method: str) -> float:
    """Of ffmpeg itself, where it is the method."""
    if method == "ffmpeg":
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return peak_bytes() / 1024**2


def main(method: str, clip: str, out: str) -> None:
    for name in LOADS[method].split():
        __import__(name)
    wanted = json.loads(sys.stdin.read())
    cpu = _cpu_s()
    elapsed = METHODS[method](Path(clip), Path(out), wanted)
    cpu = _cpu_s() - cpu
    print(json.dumps({"ms": elapsed * 1000, "cpu_ms": cpu * 1000, "rss_mb": _peak_mb(method)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
