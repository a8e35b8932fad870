"""The real processes with a prober beside them: the product of the flow tests, and where a prober finds it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.flow.product import Product, product

ADMIN_TOKEN = "flow-admin"
PROBERS = {
    "prober": ("-m", "prober"),
    "once": ("-m", "prober", "--once"),
    "other": ("-m", "prober", "--once"),
}


@asynccontextmanager
async def installation(
    folder: Path, *, commands: Mapping[str, tuple[str, ...]] | None = None, env: Mapping[str, str] | None = None
) -> AsyncIterator[Product]:
    """The three processes run; the probers are there to be started."""
    async with product(folder, commands=commands, env=env) as it:
        it.env["PROBE_URL"] = it.url
        it.commands |= PROBERS
        yield it
