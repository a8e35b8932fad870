import asyncio

from consumer.ingesting.turns import Turns


async def test_each_name_has_one_at_a_time_and_no_name_waits_for_another() -> None:
    turns, inside, most = Turns(), dict.fromkeys("ab", 0), dict.fromkeys("ab", 0)

    async def one(name: str) -> None:
        async with turns.of(name):
            inside[name] += 1
            most[name] = max(most[name], inside[name])
            await asyncio.sleep(0)
            inside[name] -= 1

    async with turns.of("a"):
        await one("b")
        waiting = asyncio.create_task(one("a"))
        await asyncio.sleep(0)
        assert most["a"] == 0
    await asyncio.gather(waiting, *(one(name) for name in "abab" * 5))
    assert most == {"a": 1, "b": 1}
    assert vars(turns) == {"_locks": {}, "_users": {}}
