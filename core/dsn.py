"""SENTRY_DSN, taken apart: the settings refuse what is none, the prober posts to where it says."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, kw_only=True)
class Address:
    """What a DSN says: where envelopes go, and with which key."""

    envelopes: str
    key: str

    @classmethod
    def of(cls, dsn: str) -> "Address":
        """Raises ValueError for what is no DSN; its text does not hold the DSN."""
        parts = urlsplit(dsn)
        path, _, project = parts.path.rpartition("/")
        if parts.scheme not in ("http", "https") or not parts.username or not parts.hostname or not project:
            raise ValueError("SENTRY_DSN is not of the form https://KEY@HOST/PROJECT")
        host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
        return cls(envelopes=f"{parts.scheme}://{host}{path}/api/{project}/envelope/", key=parts.username)
