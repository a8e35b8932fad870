"""core.ports.Counters, sentence by sentence."""

import asyncio

import pytest

from core.aws.counters import DynamoCounters
from core.ports import Counters
from tests.contract.backends import Installation, new_id
from tests.fakes import FakeCounters

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def counters(installation: Installation | None) -> Counters:
    if installation is None:
        return FakeCounters()
    return DynamoCounters(installation.clients.dynamodb, installation.settings.table)


async def test_what_nobody_added_to_is_empty(counters: Counters) -> None:
    assert await counters.read(new_id()) == {}


async def test_amounts_add_up_and_can_be_taken_away(counters: Counters) -> None:
    name, other = new_id(), new_id()
    await counters.add(name, {"hits": 2, "size": 70_000_000_000})
    await counters.add(name, {"hits": 1, "misses": 1, "size": -1})
    await counters.add(other, {"hits": 9})
    assert await counters.read(name) == {"hits": 3, "misses": 1, "size": 69_999_999_999}


async def test_many_at_once_lose_nothing(counters: Counters) -> None:
    name = new_id()
    await asyncio.gather(*(counters.add(name, {"hits": 1}) for _ in range(20)))
    assert await counters.read(name) == {"hits": 20}
