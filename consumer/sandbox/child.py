"""The decoding child: `python -m consumer.sandbox.child PARENT_PID`. Requests on stdin, replies on stdout.

It limits itself before it imports a decoder, keeps its real stdout for replies alone, and ends with its stdin or with
its parent.
"""

import os
import sys
from typing import BinaryIO

from consumer.sandbox.limits import confine, die_with
from consumer.sandbox.outbox import Outbox


def main(parent: int) -> None:
    replies = take_stdout()
    die_with(parent)
    confine()
    from consumer.sandbox.serve import serve  # noqa: PLC0415 - decoders load under the limits

    serve(sys.stdin.buffer, Outbox(replies))


def take_stdout() -> BinaryIO:
    """The pipe to the parent under a number of its own; whatever prints to stdout, C libraries too, goes to stderr."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


if __name__ == "__main__":
    main(int(sys.argv[1]))
