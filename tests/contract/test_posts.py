"""core.ports.Posts and Breakers, sentence by sentence."""

import asyncio
from datetime import timedelta

import pytest

from core.aws.posts import DynamoBreakers, DynamoPosts
from core.ports import Breakers, Posts, Term
from tests.contract.backends import Installation, new_id
from tests.fakes import MOMENT, FakeBreakers, FakePosts

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def posts(installation: Installation | None) -> Posts:
    if installation is None:
        return FakePosts()
    return DynamoPosts(installation.clients.dynamodb, installation.settings.table)


@pytest.fixture
def breakers(installation: Installation | None) -> Breakers:
    if installation is None:
        return FakeBreakers()
    return DynamoBreakers(installation.clients.dynamodb, installation.settings.table)


def a_term(holder: str = "a", token: int = 1, beat: int = 0) -> Term:
    return Term(holder=holder, token=token, beat=beat)


async def test_a_post_is_empty_until_the_first_takes_it(posts: Posts) -> None:
    post = new_id()
    assert await posts.term(post) is None
    assert await posts.swap(post, seen=None, wanted=a_term())
    assert await posts.term(post) == a_term()
    assert not await posts.swap(post, seen=None, wanted=a_term("b"))


async def test_only_what_was_seen_is_replaced(posts: Posts) -> None:
    post = new_id()
    await posts.swap(post, seen=None, wanted=a_term())
    for wrong in (a_term("b"), a_term(token=2), a_term(beat=1)):
        assert not await posts.swap(post, seen=wrong, wanted=a_term("b", 2))
    assert await posts.swap(post, seen=a_term(), wanted=a_term(beat=1))
    assert await posts.swap(post, seen=a_term(beat=1), wanted=a_term("", beat=1))
    assert await posts.term(post) == a_term("", beat=1)


async def test_of_many_one_takes_it(posts: Posts) -> None:
    post = new_id()
    won = await asyncio.gather(*(posts.swap(post, seen=None, wanted=a_term(str(n))) for n in range(20)))
    assert sum(won) == 1


async def test_a_breaker_is_open_until_its_moment_or_its_end(breakers: Breakers) -> None:
    name, until = new_id(), MOMENT + timedelta(seconds=30.5)
    assert await breakers.open_until(name) is None
    await breakers.closed(name)
    assert await breakers.open_until(name) is None
    await breakers.opened(name, until=MOMENT)
    await breakers.opened(name, until=until)
    assert await breakers.open_until(name) == until
    await breakers.closed(name)
    assert await breakers.open_until(name) is None
