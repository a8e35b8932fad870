"""Where kept pictures go. A folder (pathlib.Path) is one; the decoding child, which may write no file, has its own."""

from typing import Protocol


class Page(Protocol):
    def write_bytes(self, data: bytes, /) -> int:
        """Raises OSError where there is no room."""


class Album(Protocol):
    def __truediv__(self, name: str, /) -> Page:
        """The place of the picture with this file name."""
