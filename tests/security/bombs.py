"""Small files that ask for much. Each is made by hand or by changing a few bytes of a good one: a real one would cost
the tests what it must not cost the service."""

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests import clips
from tests.clips import MJPEG, MPEG4, VP9, Encoding, barcodes, write_clip

HUGE = 16_192
TINY = (np.zeros((16, 16, 3), np.uint8),)


def huge_h264(folder: Path) -> Path:
    """Its sequence parameters say 16192 x 16192; its header says 320 x 240."""
    small = write_clip(folder / "small.mkv", barcodes(10), replace(clips.H264, options=BASELINE))
    data = small.read_bytes()
    at = data.index(b"\x67\x42")
    length = int.from_bytes(data[at - 2 : at], "big")
    old = data[at : at + length]
    new = bytes([old[0]]) + _wider(old[1:])
    # Matroska's own sizes are kept: the longer parameters take the place of a picture's x264 comment
    return _remuxed(small, folder / "h264.mp4", lambda extra: extra.replace(_sized(old), _sized(new)))


BASELINE = {"preset": "ultrafast", "profile": "baseline", "crf": "30"}


def huge_mjpeg(folder: Path) -> Path:
    """Both the header and the picture say 16192 x 16192."""
    return _patched(folder, "mjpeg.mov", MJPEG, _jpeg_sizes(), header=True)


def lying_mjpeg(folder: Path) -> Path:
    """The header says 320 x 240, the picture 16192 x 16192."""
    return _patched(folder, "mjpeg-lies.mov", MJPEG, _jpeg_sizes(), header=False)


def huge_vp9(folder: Path) -> Path:
    """The first frame's own header says 16192 x 16192."""
    small = write_clip(folder / "small.webm", barcodes(10), VP9)
    data = small.read_bytes()
    at = data.index(b"\x49\x83\x42")  # the sync code of a keyframe
    head = int.from_bytes(data[at - 1 : at + 8], "big")
    # 1 byte, 3 of sync code, 4 bits of colour, then two sizes less one of 16 bits each
    shift = 72 - 36 - 32
    sizes = (HUGE - 1) << 16 | (HUGE - 1)
    head = head & ~(0xFFFF_FFFF << shift) | sizes << shift
    path = folder / "vp9.webm"
    path.write_bytes(data[: at - 1] + head.to_bytes(9, "big") + data[at + 8 :])
    return path


def real_pictures_too_large(folder: Path) -> Path:
    encoding = replace(clips.H264, options={"preset": "ultrafast", "qp": "40"})
    return write_clip(folder / "large.mp4", [np.zeros((6400, 6400, 3), np.uint8)], encoding)


def many_samples(folder: Path) -> Path:
    """The table of sizes says that it has 60 million entries."""
    return _with_samples(folder, 60_000_000)


def billion_pictures(folder: Path) -> Path:
    return _with_samples(folder, 1_000_000_000)


def fragments_without_end(folder: Path) -> Path:
    encoding = replace(clips.H264, container_options={"movflags": "frag_keyframe+empty_moov"})
    data = bytearray(write_clip(folder / "small.mp4", barcodes(60), encoding).read_bytes())
    struct.pack_into(">I", data, data.index(b"trun") + 8, 60_000_000)
    return _written(folder / "fragments.mp4", data)


def centuries(folder: Path) -> Path:
    """Matroska that says it lasts 1e13 seconds, and has ten pictures."""
    data = bytearray(write_clip(folder / "small.mkv", barcodes(10)).read_bytes())
    at = data.index(b"\x44\x89\x88") + 3
    struct.pack_into(">d", data, at, 1e16)
    return _written(folder / "centuries.mkv", data)


def fast(folder: Path) -> Path:
    """A second and a half at 30,000 pictures a second."""
    start = write_clip(folder / "start.mkv", TINY * 2, replace(MPEG4, gop=1_000_000))
    return _repeated(start, folder / "fast.mp4", pictures=45_000, rate=30_000)


def too_many_pictures(folder: Path) -> Path:
    start = write_clip(folder / "start.mkv", TINY * 2, replace(MPEG4, gop=1_000_000))
    return _repeated(start, folder / "pictures.mp4", pictures=150_000, rate=10_000)


def ten_hours(folder: Path) -> Path:
    slow = replace(clips.H264, times=[index * 900 for index in range(40)])
    return write_clip(folder / "hours.mp4", barcodes(40), slow)


def one_group(folder: Path) -> Path:
    """Ten minutes of 1080p in one group of pictures: to see its end, all of it must be decoded."""
    black = (np.zeros((1080, 1920, 3), np.uint8),)
    start = write_clip(folder / "start.mkv", black * 2, replace(MPEG4, gop=1_000_000))
    return _repeated(start, folder / "group.mp4", pictures=17_900, rate=30)


def many_streams(folder: Path) -> Path:
    """As many as FFmpeg takes."""
    path = folder / "streams.mkv"
    with av.open(str(path), "w") as container:
        for stream in [container.add_stream("mpeg4", rate=1, width=16, height=16) for _ in range(999)]:
            frame = av.VideoFrame.from_ndarray(TINY[0], format="bgr24")
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
            container.mux(stream.encode(None))
    return path


def boxes_in_boxes(folder: Path) -> Path:
    """100,000 boxes, each in the one before."""
    depth = 100_000
    inner = b"".join(struct.pack(">I4s", 8 * (depth - level), b"moov") for level in range(depth))
    return _written(folder / "boxes.mp4", b"\0\0\0\x10ftypisom\0\0\0\0" + inner)


def _repeated(source: Path, path: Path, *, pictures: int, rate: int) -> Path:
    """A clip of two pictures, the second repeated until there are so many."""
    base = Fraction(1, 90_000)
    with av.open(str(source)) as read, av.open(str(path), "w") as write:
        template: Any = read.streams.video[0]
        stream = write.add_stream_from_template(template)
        stream.time_base = base
        key, same = (bytes(packet) for packet in read.demux(template) if packet.size)
        for index in range(pictures):
            packet = av.Packet(same if index else key)
            packet.stream, packet.is_keyframe, packet.time_base = stream, index == 0, base
            packet.pts = packet.dts = round(index / rate / base)
            write.mux(packet)
    return path


def _written(path: Path, data: bytes | bytearray) -> Path:
    path.write_bytes(data)
    return path


def _with_samples(folder: Path, count: int) -> Path:
    data = bytearray(write_clip(folder / "small.mp4", barcodes(60)).read_bytes())
    struct.pack_into(">II", data, data.index(b"stsz") + 8, 1, count)
    return _written(folder / "samples.mp4", data)


def _jpeg_sizes() -> tuple[bytes, bytes]:
    """What a JPEG's start of frame says of its size: as it is, and as it shall be."""
    return tuple(b"\xff\xc0\x00\x11\x08" + struct.pack(">2H", *size) for size in ((240, 320), (HUGE, HUGE)))  # type: ignore[return-value]


def _patched(folder: Path, name: str, encoding: Encoding, sizes: tuple[bytes, bytes], *, header: bool) -> Path:
    data = write_clip(folder / f"small-{name}", barcodes(10), encoding).read_bytes()
    data = data.replace(*sizes)
    if header:
        at = data.index(b"stsd") + 12 + 4 + 28  # the sample entry's width and height
        data = data[:at] + struct.pack(">2H", HUGE, HUGE) + data[at + 4 :]
    return _written(folder / name, data)


def _remuxed(source: Path, path: Path, change: Any) -> Path:
    """The same packets under other codec parameters."""
    with av.open(str(source)) as read, av.open(str(path), "w") as write:
        template: Any = read.streams.video[0]
        stream: Any = write.add_stream_from_template(template)
        stream.codec_context.extradata = change(bytes(template.codec_context.extradata))
        for packet in read.demux(template):
            if packet.size:
                packet.stream = stream
                write.mux(packet)
    return path


def _sized(parameters: bytes) -> bytes:
    return struct.pack(">H", len(parameters)) + parameters


def _wider(parameters: bytes) -> bytes:
    """A baseline sequence parameter set (without its first byte) with HUGE for width and height."""
    bits = "".join(f"{byte:08b}" for byte in parameters)
    at = 24  # profile, constraints, level
    at = _behind(bits, at)  # seq_parameter_set_id
    at = _behind(bits, at)  # log2_max_frame_num_minus4
    order, at = _number(bits, at), _behind(bits, at)  # pic_order_cnt_type
    if order == 0:
        at = _behind(bits, at)
    at = _behind(bits, at) + 1  # max_num_ref_frames, gaps_in_frame_num_allowed_flag
    end = _behind(bits, _behind(bits, at))
    wide = _exponential(HUGE // 16 - 1)
    changed = bits[:at] + wide + wide + bits[end:].rstrip("0")
    changed += "0" * (-len(changed) % 8)
    return bytes(int(changed[i : i + 8], 2) for i in range(0, len(changed), 8))


def _number(bits: str, at: int) -> int:
    zeros = bits.index("1", at) - at
    return int(bits[at + zeros : at + 2 * zeros + 1], 2) - 1


def _behind(bits: str, at: int) -> int:
    return at + 2 * (bits.index("1", at) - at) + 1


def _exponential(number: int) -> str:
    binary = f"{number + 1:b}"
    return "0" * (len(binary) - 1) + binary
