"""A connection that asks nothing is closed; one that asks is left alone."""

import asyncio

from service.app import make_app
from service.connections import Connections
from service.outside import Pace
from service.server import serve
from tests.service.conftest import Lines
from tests.service.world import World, settings


class Wire:
    def __init__(self) -> None:
        self.closed = 0

    def force_close(self) -> None:
        self.closed += 1


def test_only_the_silent_are_closed() -> None:
    at = 0.0
    connections = Connections(head_s=15, now=lambda: at)
    silent, asking, late = Wire(), Wire(), Wire()
    assert connections.close_silent([silent, asking]) == 0
    connections.asked(asking)
    at = 15
    assert connections.close_silent([silent, asking, late]) == 0
    at = 15.1
    assert connections.close_silent([silent, asking, late]) == 1
    assert (silent.closed, asking.closed, late.closed) == (1, 0, 0)


def test_the_gone_are_forgotten() -> None:
    at = 0.0
    connections = Connections(head_s=15, now=lambda: at)
    wire = Wire()
    connections.asked(wire)
    connections.close_silent([wire])
    connections.close_silent([])
    at = 100
    assert connections.close_silent([wire]) == 0, "a new connection in the same place starts anew"


async def test_silent_and_dripping_heads_are_closed_and_others_served(lines: Lines) -> None:
    world = World(settings=settings(PORT="0", HOST="127.0.0.1"), pace=Pace(head_s=0.2))
    stop = asyncio.Event()
    app = make_app(world.settings, world.outside, pace=world.pace)
    serving = asyncio.create_task(serve(app, world.settings, stop))
    while not (started := [line for line in lines() if line["event"] == "service.started"]):
        await asyncio.wait({serving}, timeout=0.01)
    port = started[0]["port"]
    idle, idle_writer = await asyncio.open_connection("127.0.0.1", port)
    drip, drip_writer = await asyncio.open_connection("127.0.0.1", port)
    good, good_writer = await asyncio.open_connection("127.0.0.1", port)
    drip_writer.write(b"GET / HT")
    good_writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b" 200 " in await good.readline()
    async with asyncio.timeout(5):
        assert await idle.read() == b""
        assert await drip.read() == b""
    good_writer.write(b"GET /sports HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"HTTP/1.1 200 OK" in await good.readuntil(b"motocross")
    stop.set()
    await serving
    for writer in (idle_writer, drip_writer, good_writer):
        writer.close()
    assert [line["event"] for line in lines()].count("service.stopped") == 1
