"""Secrets of twelve kinds, as they come to stand in texts, and everything that a process says while it fails."""

import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from core.log import configure_logging
from core.reporting import error_reports
from core.scrubbing import Scrubber
from core.settings import Settings, load_settings

SETTINGS: Settings = load_settings(
    {
        "BUCKET": "clips",
        "AWS_ACCESS_KEY_ID": "AKIACANARY01EXAMPLE9",
        "AWS_SECRET_ACCESS_KEY": "canary02/secret+access+key",
        "ADMIN_TOKEN": "canary03-operators-token",
        "ALARM_SECRET": "canary04-alarm-secret",
        "ALARM_URL": "https://hooks.slack.com/services/T0/B0/canary05slack",
        "SENTRY_DSN": "https://canary06dsnkey@sentry.example/1",
        "SENTRY_TRACES": "1",
        "VERSION": "9.9",
    }
)
CANARIES: Mapping[str, tuple[str, str]] = {
    "access key id": ("AKIACANARY01EXAMPLE9", "refused for AKIACANARY01EXAMPLE9"),
    "secret access key": ("canary02/secret+access+key", "signed with canary02/secret+access+key here"),
    "operators' token": ("canary03-operators-token", "Authorization: Bearer canary03-operators-token"),
    "alarm secret": ("canary04-alarm-secret", "hmac of canary04-alarm-secret"),
    "webhook": ("canary05slack", "POST https://hooks.slack.com/services/T0/B0/canary05slack failed"),
    "Sentry DSN": ("canary06dsnkey", "dsn https://canary06dsnkey@sentry.example/1"),
    "presigned address": ("canary07signature", "GET https://s3/clips/k?X-Amz-Signature=canary07signature&X-Amz-Date=1"),
    "presigned form": ("canary08form", "{'x-amz-signature': 'canary08form', 'x-amz-algorithm': 'AWS4'}"),
    "session token": ("canary09session", '{"x-amz-security-token": "canary09session//////////"}'),
    "model's key": ("sk-proj-canary10abcdefgh", "Incorrect API key provided: sk-proj-canary10abcdefgh."),
    "address with password": ("canary11redis", "redis://default:canary11redis@cache:6379/0 is away"),
    "file name": ("canary12 Anna Müller", "Record(filename='canary12 Anna Müller am Fels.mp4', key='videos/x')"),
}
TEXT = "; ".join(text for _, text in CANARIES.values())
NEEDLES = {kind: needle for kind, (needle, _) in CANARIES.items()}


class Open(Scrubber):
    """The control: lets everything through."""

    def text(self, text: str) -> str:
        return text

    def value(self, value: object, *, depth: int = 0) -> object:
        return value

    def named(self, name: str, value: object, *, depth: int = 0) -> object:
        return value


class Captured(Transport):
    def __init__(self) -> None:
        super().__init__()
        self.envelopes: list[Envelope] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)

    def items(self, kind: str) -> list[dict[str, Any]]:
        return [item.payload.json for one in self.envelopes for item in one.items if item.type == kind]


@dataclass(kw_only=True)
class Heard:
    """All that left the process, by way."""

    log: io.StringIO = field(default_factory=io.StringIO)
    sentry: Captured = field(default_factory=Captured)
    bodies: list[str] = field(default_factory=list)
    metrics: list[str] = field(default_factory=list)

    @property
    def ways(self) -> Mapping[str, str]:
        return {
            "log": self.log.getvalue(),
            "envelopes": b"".join(one.serialize() for one in self.sentry.envelopes).decode(),
            "problem bodies": "\n".join(self.bodies),
            "metrics": "\n".join(self.metrics),
            "spans": json.dumps(self.sentry.items("transaction"), ensure_ascii=False),
        }

    def hits(self) -> Sequence[tuple[str, str]]:
        """(way, kind of secret) for each that got out, as it is or as JSON or an address would write it."""
        found = []
        for way, text in self.ways.items():
            for kind, needle in NEEDLES.items():
                written = {needle, json.dumps(needle)[1:-1], needle.replace(" ", "%20")}
                if any(one in text for one in written):
                    found.append((way, kind))
        return found


@contextmanager
def listening(*, scrubber: Scrubber | None = None, settings: Settings = SETTINGS) -> Iterator[Heard]:
    """A process's log and reports, as its main opens them; afterwards as it was."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level, heard = root.handlers[:], root.level, Heard()
    try:
        with warnings.catch_warnings():
            configure_logging(settings, service="web", stream=heard.log, scrubber=scrubber)
            warnings.simplefilter("error")
            with error_reports(settings, service="web", transport=heard.sentry, scrubber=scrubber):
                yield heard
    finally:
        logging.captureWarnings(False)
        structlog.configure(**configured)
        structlog.contextvars.clear_contextvars()
        root.handlers, root.level = handlers, level
