"""The settings themselves: what is allowed, and yet seldom meant."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from core.settings import Settings
from ops.checkup.finding import Finding, fail, ok, warn

SHORT_TOKEN = 16


async def of_settings(settings: Settings) -> Sequence[Finding]:
    where = f"AWS at {settings.aws_endpoint_url}" if settings.aws_endpoint_url else f"AWS in {settings.aws_region}"
    return [ok("settings", f"version {settings.version}, {where}"), *_of_token(settings), *_of_addresses(settings)]


def _of_token(settings: Settings) -> Sequence[Finding]:
    token = settings.admin_token.get_secret_value() if settings.admin_token else ""
    if not token:
        told = "ADMIN_TOKEN is empty: the prober does not start, and no operator's request is taken"
        return [warn("admin token", told, "set the same long random ADMIN_TOKEN for web and prober")]
    if len(token) < SHORT_TOKEN:
        told = f"ADMIN_TOKEN has only {len(token)} characters"
        return [warn("admin token", told, "python -c 'import secrets; print(secrets.token_hex(32))'")]
    return [ok("admin token", "set")]


def _of_addresses(settings: Settings) -> Sequence[Finding]:
    """Secrets are part of them: nothing but their form is told."""
    found: list[Finding] = []
    if settings.sentry_dsn is not None:
        found.append(ok("sentry", "errors and check-ins are sent"))
    else:
        advice = "set SENTRY_DSN to be told of errors and of silence"
        found.append(warn("sentry", "SENTRY_DSN is empty: nothing is sent", advice))
    if settings.alarm_url is None:
        found.append(warn("alarms", "ALARM_URL is empty: alarms are only logged", "set ALARM_URL"))
    elif urlsplit(settings.alarm_url.get_secret_value()).scheme not in ("http", "https"):
        found.append(fail("alarms", "ALARM_URL is no http address", "set ALARM_URL"))
    elif settings.alarm_format == "json" and settings.alarm_secret is None:
        found.append(warn("alarms", "alarms are sent unsigned", "set ALARM_SECRET, so that receivers can tell"))
    else:
        found.append(ok("alarms", f"sent as {settings.alarm_format}"))
    return found
