"""The vision model: whether its server answers us and knows the model. Nothing is bought by asking."""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit

import aiohttp

from core.settings import Settings
from ops.checkup.finding import Finding, fail, ok, warn

OPENAI = "https://api.openai.com/v1"


async def of_model(settings: Settings) -> Sequence[Finding]:
    if not settings.vision_on:
        told = "no vision model is set: results hold measured values only"
        if settings.require_model:
            return [fail("model", told, "REQUIRE_MODEL is set: every analysis fails; set OPENAI_API_KEY")]
        return [ok("model", told)]
    base = (settings.openai_base_url or OPENAI).rstrip("/")
    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with (
            aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as http,
            http.get(f"{base}/models/{quote(settings.vision_model, safe='')}") as answer,
        ):
            return [_said(settings, urlsplit(base).netloc.rpartition("@")[2], answer.status)]
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        told = f"{urlsplit(base).hostname} does not answer: {type(error).__name__}"
        return [_worse(settings, told, "network, proxy, OPENAI_BASE_URL? performate errors MODEL_UNAVAILABLE")]


def _said(settings: Settings, where: str, status: int) -> Finding:
    model = settings.vision_model
    if status == 200:
        return ok("model", f"{where} knows {model}")
    if status in (401, 403):
        return _worse(settings, f"{where} refuses our key (HTTP {status})", "set OPENAI_API_KEY to one that is valid")
    if status == 404:
        # servers that only speak chat completions have no such list
        told = f"{where} does not know {model}, or has no list of models"
        return _worse(
            settings, told, "set VISION_MODEL to a model that it has", mild=settings.openai_base_url is not None
        )
    return _worse(settings, f"{where} answers with HTTP {status}", "performate errors MODEL_UNAVAILABLE")


def _worse(settings: Settings, told: str, advice: str, *, mild: bool = False) -> Finding:
    """Without the model an analysis is measured all the same, unless REQUIRE_MODEL says otherwise."""
    return fail("model", told, advice) if settings.require_model and not mild else warn("model", told, advice)
