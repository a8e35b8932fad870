"""The multipart body of POST /upload, piece by piece: never more than one piece of the file in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import BodyPartReader, MultipartReader
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import ValidationError

from core.error_codes import ErrorCode
from core.result import Sport
from core.settings import Settings
from service.admission import check_size, media_type_of_file, too_large
from service.bodies import BROKEN_OFF, Asked, invalid, wrong_field
from service.refusal import Refusal

PIECE = 256 * 1024
FRAMING = 64 * 1024
_LONGEST_FIELD = 1024
_MOST_PARTS = 8
# what aiohttp's reader raises for a body that is no multipart form: bad boundaries, headers, charsets
_MALFORMED = (ValueError, AssertionError, RuntimeError, HttpProcessingError)


class ClipFields(Asked):
    """The form's fields beside the file, each before it or after it."""

    sport_type: Sport = Sport.CLIMBING


class ClipForm:
    """One body, read once from front to back: open(), then pieces() to their end, then `size` and fields().

    Raises Refusal: INVALID_REQUEST for what is no such form, UNSUPPORTED_CONTENT_TYPE, FILE_TOO_LARGE as soon as that
    is seen, FILE_TOO_SMALL at the end, REQUEST_TIMEOUT when nothing comes for `idle_s`, UPLOAD_INTERRUPTED when the
    client leaves.
    """

    def __init__(self, reader: MultipartReader, settings: Settings, *, idle_s: float) -> None:
        self.filename = ""
        self.content_type = ""
        self.size = 0
        self._reader = reader
        self._settings = settings
        self._idle_s = idle_s
        self._texts: dict[str, str] = {}
        self._parts = 0
        self._file: BodyPartReader | None = None

    async def open(self) -> None:
        """Reads as far as the file's first byte; `filename` and `content_type` are known then."""
        while (part := await self._next_part()) is not None:
            if part.name == "file":
                self.filename = part.filename or ""
                self.content_type = media_type_of_file(part.headers.get("Content-Type", ""), self.filename)
                self._file = part
                return
            await self._read_field(part)
        raise wrong_field("file", "the form has no such part")

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file. Its end is not told before the whole form has been read and found good."""
        if self._file is None:
            raise ValueError("open() comes first")
        while piece := await self._piece(self._file):
            self.size += len(piece)
            if self.size > self._settings.max_upload_bytes:
                raise too_large(self._settings)
            yield piece
        check_size(self.size, self._settings)
        while (part := await self._next_part()) is not None:
            if part.name == "file":
                raise wrong_field("file", "the form has more than one")
            await self._read_field(part)
        self.fields()

    def fields(self) -> ClipFields:
        try:
            return ClipFields.model_validate_strings(self._texts)
        except ValidationError as error:
            raise invalid(error) from None

    async def _next_part(self) -> BodyPartReader | None:
        async with self._patience():
            part = await self._reader.next()
        if part is None:
            return None
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise wrong_field("form", "too many parts")
        if not isinstance(part, BodyPartReader):
            raise wrong_field("form", "a part is a form itself")
        return part

    async def _piece(self, part: BodyPartReader) -> bytes:
        async with self._patience():
            return bytes(await part.read_chunk(PIECE))

    async def _read_field(self, part: BodyPartReader) -> None:
        value = b""
        while piece := await self._piece(part):
            value += piece
            if len(value) > _LONGEST_FIELD:
                raise wrong_field(part.name or "form", "too long")
        self._texts[part.name or ""] = value.decode(errors="replace")

    @asynccontextmanager
    async def _patience(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._idle_s):
                yield
        except TimeoutError:
            raise Refusal(ErrorCode.REQUEST_TIMEOUT) from None
        except BROKEN_OFF:
            raise Refusal(ErrorCode.UPLOAD_INTERRUPTED) from None
        except _MALFORMED:
            raise wrong_field("form", "not a well-formed multipart body") from None
