"""What a file's first bytes say it is; a name or a declared type is only ever compared with that."""

from typing import Literal

Family = Literal["mp4", "matroska", "avi"]

SNIFF_BYTES = 16

_ISO_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})
_EBML = b"\x1a\x45\xdf\xa3"

_DECLARED: dict[str, Family] = {
    "video/mp4": "mp4",
    "video/quicktime": "mp4",
    "video/x-m4v": "mp4",
    "video/3gpp": "mp4",
    "video/3gpp2": "mp4",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
    "video/matroska": "matroska",
    "video/avi": "avi",
    "video/x-msvideo": "avi",
    "video/msvideo": "avi",
    "video/vnd.avi": "avi",
}


def sniff(head: bytes) -> Family | None:
    """The container family of a file that begins with `head` (SNIFF_BYTES are enough); None: none that we read."""
    if head[4:8] in _ISO_BOXES:
        return "mp4"
    if head.startswith(_EBML):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    return None


def agrees(content_type: str, family: Family) -> bool:
    """Whether a declared content type (parameters ignored) names this family of containers."""
    return _DECLARED.get(content_type.split(";", maxsplit=1)[0].strip().lower()) == family
