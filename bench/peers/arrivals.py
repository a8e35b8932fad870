"""What every contender's handler does: note when a message was sent and when it came here. Standard library only, since
each contender has a virtual environment of its own.

Every program here is started as `PROGRAM send|work ORDER`; ORDER is a JSON object with the fields of `Order`.
"""

import json
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

RECORD = struct.Struct("dd")
REGION = "us-east-1"
KEY = "local"


@dataclass(frozen=True, kw_only=True)
class Order:
    """Where to work and how. `arrivals`: the file that handlers write to. `count` messages are sent, `pace` of them a
    second (0: as fast as can be). `hang_s`: how long a handler then blocks."""

    endpoint: str
    queue: str
    url: str
    arrivals: str
    concurrency: int
    visibility_s: int
    wait_s: int
    count: int = 0
    pace: float = 0
    hang_s: float = 0


class Arrivals:
    """One file for all processes and threads of a contender: appended to in one write each."""

    def __init__(self, order: Order) -> None:
        self._file = os.open(order.arrivals, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self._hang_s = order.hang_s

    def handle(self, sent: float) -> None:
        """The no-op that is measured."""
        os.write(self._file, RECORD.pack(sent, time.time()))
        if self._hang_s:
            time.sleep(self._hang_s)


class Paced:
    """The moments to send at: iterate, and send at once whenever it yields one."""

    def __init__(self, order: Order) -> None:
        self._count = order.count
        self._gap = 1 / order.pace if order.pace else 0.0

    def __iter__(self) -> Iterator[float]:
        begin = time.monotonic()
        for number in range(self._count):
            time.sleep(max(0.0, begin + number * self._gap - time.monotonic()))
            yield time.time()


def order_of(argv: list[str]) -> tuple[str, Order]:
    """(what to do, the order)."""
    return argv[1], Order(**json.loads(argv[2]))


def main(send: Callable[[Order], None], work: Callable[[Order], None]) -> None:
    """Runs a contender's program."""
    what, order = order_of(sys.argv)
    {"send": send, "work": work}[what](order)
