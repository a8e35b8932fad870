"""Log files, plain or gzip, as lines of bytes."""

import gzip
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

MAGIC = b"\x1f\x8b"
LONGEST_LINE = 1 << 20
"""Bytes. A line of ours has a few hundred; what is longer is cut, and then is no JSON."""


@contextmanager
def read_lines(path: Path | None, *, stdin: BinaryIO) -> Iterator[Iterable[bytes]]:
    """Of a file, or of stdin (None). gzip is known by its first bytes, whatever the name says.

    Raises OSError for what cannot be opened; reading on raises it too, and EOFError for a gzip file that was cut off.
    """
    with ExitStack() as stack:
        raw = stdin if path is None else stack.enter_context(path.open("rb"))
        peeked = raw.peek(len(MAGIC)) if hasattr(raw, "peek") else b""
        file = stack.enter_context(gzip.GzipFile(fileobj=raw)) if peeked.startswith(MAGIC) else raw
        yield _bounded(file)


def _bounded(file: BinaryIO | gzip.GzipFile) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        yield line
