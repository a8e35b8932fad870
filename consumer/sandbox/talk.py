"""One conversation with a child: a line goes out, lines come back until the last one, and none is believed unseen."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from consumer.sandbox.protocol import AnyReply, AnyRequest, Final, Picture, Progress, parsed
from consumer.sandbox.spawn import Child
from core.error_codes import ErrorCode
from core.failure import Failure

SHORT_BYTES = 64 * 1024

OnProgress = Callable[[Progress], None]
KeepPicture = Callable[[str, bytes], Awaitable[None]]


class Talk:
    """`most_progress`: more lines of progress than this are no progress. `keep` takes a picture's id and bytes."""

    def __init__(
        self,
        child: Child,
        *,
        most_progress: int,
        on_progress: OnProgress | None = None,
        keep: KeepPicture | None = None,
    ) -> None:
        self._child = child
        self._left = most_progress
        self._on_progress = on_progress
        self._keep = keep

    async def ask(self, request: AnyRequest) -> Final:
        """The last reply. Raises Failure: DECODER_CRASHED, DECODER_TIMEOUT (out of CPU), and what `keep` raises."""
        if self._child.broken:
            raise Failure(ErrorCode.DECODER_CRASHED, "the child is gone")
        try:
            await self._child.write(request.model_dump_json().encode())
        except ConnectionError as error:
            raise await death(self._child) from error
        return await self.listen()

    async def listen(self) -> Final:
        """As `ask`, for a reply that comes unasked."""
        try:
            while True:
                reply = await self._reply()
                if isinstance(reply, Progress):
                    await self._progress(reply)
                elif isinstance(reply, Picture):
                    await self._picture(reply)
                else:
                    return reply
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise await death(self._child) from error

    async def _progress(self, progress: Progress) -> None:
        self._left -= 1
        if self._left < 0:
            raise Failure(ErrorCode.DECODER_CRASHED, "progress without end")
        if self._on_progress is not None:
            self._on_progress(progress)
        # lines that are there already are read without waiting: others must have their turn between them
        await asyncio.sleep(0)

    async def _picture(self, picture: Picture) -> None:
        if self._keep is None:
            raise Failure(ErrorCode.DECODER_CRASHED, "a picture that nobody asked for")
        await self._keep(picture.id, await self._child.read_exactly(picture.bytes))

    async def _reply(self) -> AnyReply:
        line = await self._line()
        try:
            # in a thread where it takes longer than a blink: heartbeats go on meanwhile
            return parsed(line) if len(line) < SHORT_BYTES else await asyncio.to_thread(parsed, line)
        except ValidationError as error:
            # without the error's own text: it quotes what the child wrote
            raise Failure(ErrorCode.DECODER_CRASHED, f"{error.error_count()} errors in a reply") from None
        except ValueError as error:
            raise Failure(ErrorCode.DECODER_CRASHED, f"a reply with {error}") from None

    async def _line(self) -> bytes:
        try:
            line = await self._child.read()
        except ValueError as error:
            raise Failure(ErrorCode.DECODER_CRASHED, "a reply that is too long") from error
        if not line.endswith(b"\n"):
            raise await death(self._child)
        return line


async def death(child: Child) -> Failure:
    """What to say of a child that stopped talking."""
    code = await child.end()
    if code == -signal.SIGXCPU:
        return Failure(ErrorCode.DECODER_TIMEOUT, "out of CPU time")
    return Failure(ErrorCode.DECODER_CRASHED, f"ended with {code}")
