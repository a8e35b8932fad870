"""Fixtures that several rooms' tests share."""

from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from core.aws.clients import Clients, open_clients
from core.settings import Settings
from ops.provision import provision
from tests.emulator import Emulator, fresh_settings, running_emulator

# how fast an example runs says something about the machine, nothing about the code
settings.register_profile("performate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("performate")


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for the whole session, as a real process."""
    with running_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
async def aws(emulator: Emulator) -> Settings:
    """A provisioned installation of the test's own on the session's emulator."""
    fresh = fresh_settings(emulator.url)
    await provision(fresh)
    return fresh


@pytest.fixture
async def clients(aws: Settings) -> AsyncIterator[Clients]:
    """The SDK's clients for `aws`."""
    async with open_clients(aws) as opened:
        yield opened
