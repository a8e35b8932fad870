"""What must never leave a process, taken out of texts, names and nested values. Nothing here awaits.

Three nets: values that this process knows to be secret, wherever they stand; texts that look like a secret; and values
under a name that says so. A library's own scrubbing looks at names only.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

from pydantic import SecretStr

from core.settings import Settings

MASK = "***"
SHORTEST = 6
"""A shorter secret is not looked for inside of texts: it would be found in half of all words."""
DEEPEST = 12
_NAME = re.compile(
    r"authorization|signature|secret|password|passwd|api_?key|credential|cookie|(?<!lease_)token$|dsn$|^policy$"
    r"|^x-amz-|access_?key|alarm_url|upload_url|video_url|presigned",
    re.IGNORECASE,
)
_FILE_NAME = re.compile(r"^(original_?)?file_?name$", re.IGNORECASE)
_SOURCE = re.compile(r"\.py$|^<[a-z ]+>$|^$")
_OURS = r"(?:clip|probe|[0-9a-f]{8}-[0-9a-f-]{27}|probe-[0-9a-f]+)"
_WORD = (
    r"(?:signature|secret|password|passwd|(?<!lease_)token|api[_-]?key|credential|authorization|access_?key(?:_id)?)"
)
# a text inside of a text has its quotes escaped
_IS = r"\\*[\"']?\s*[=:]\s*\\*[\"']?"

_Replace = str | Callable[[re.Match[str]], str]
_LOOKS: tuple[tuple[re.Pattern[str], _Replace], ...] = (
    # presigned addresses carry their signature in the query: no query string is ever told
    (re.compile(r"(https?://[^\s\"'<>?]{1,2000})\?[^\s\"'<>]+"), r"\1?[removed]"),
    (re.compile(r"\b([a-z][a-z0-9+.-]{0,20}://)[^\s/@\"'<>]{1,500}@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"(https://hooks\.slack\.com/)[^\s\"'<>]+"), r"\1[removed]"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), MASK),
    (re.compile(r"\bsk-[A-Za-z0-9_-]{12,}"), MASK),
    (re.compile(r"\beyJ[\w-]{5,4000}\.[\w-]{5,8000}\.[\w-]*"), MASK),
    (re.compile(rf"(\bpolicy{_IS})[A-Za-z0-9+/=]{{40,}}", re.IGNORECASE), rf"\1{MASK}"),
    (
        re.compile(rf"({_WORD}{_IS})(?!{re.escape(MASK)}|\[)[^\s\"'\\,;&}})\]]{{4,}}", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    (re.compile(r"(file_?name\\*[\"']?\s*[=:]\s*)(\\*[\"'])(?:(?!\2|\.py\2).)+\2", re.IGNORECASE), rf"\1\2{MASK}\2"),
    (
        re.compile(
            rf"(?<![\w/-])(?!{_OURS}\.)[^\s\"'<>/\\=:,;(]{{1,200}}\.(mp4|mov|m4v|webm|mkv|avi|3gp)\b", re.IGNORECASE
        ),
        r"[file].\1",
    ),
)
_SUSPICIOUS = re.compile(r"://|[=:]|earer|asic |AKIA|ASIA|sk-|eyJ|\.(?:mp4|mov|m4v|webm|mkv|avi|3gp)", re.IGNORECASE)


class Scrubber:
    """`known`: secrets of this process, as they are."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        # the longest first: one secret may begin as another does
        listed = sorted({one for one in known if len(one) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, listed))) if listed else None

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if _SUSPICIOUS.search(text) is None:
            return text
        for pattern, replacement in _LOOKS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: object, *, depth: int = 0) -> object:
        """Of any nested mappings and lists; what is deeper than DEEPEST is left out, and objects become their text."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth >= DEEPEST:
            return "[too deep]"
        if isinstance(value, Mapping):
            return {str(name): self.named(str(name), item, depth=depth + 1) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item, depth=depth + 1) for item in value]
        return self.text(value.decode(errors="replace") if isinstance(value, bytes) else str(value))

    def named(self, name: str, value: object, *, depth: int = 0) -> object:
        """The value of a field of this name."""
        if is_secret_name(name) and value is not None:
            return MASK
        if _FILE_NAME.search(name) is not None and isinstance(value, str) and _SOURCE.search(value) is None:
            return MASK
        return self.value(value, depth=depth)


@lru_cache(maxsize=1024)
def is_secret_name(name: str) -> bool:
    return _NAME.search(name) is not None


def scrubber_of(settings: Settings) -> Scrubber:
    """Knows every secret of the settings."""
    return Scrubber(value.get_secret_value() for _, value in settings if isinstance(value, SecretStr))
