"""The TCP proxy in front of an echo server."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from fakes.proxy import FaultProxy


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(1_000):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with FaultProxy(0, "127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        yield proxy
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, proxy: FaultProxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.listen_port))

    async def ask(self, text: bytes, within_s: float = 5) -> bytes:
        self.writer.write(text)
        async with asyncio.timeout(within_s):
            return await self.reader.readexactly(len(text))


BROKEN = (ConnectionError, asyncio.IncompleteReadError)


async def test_passes_everything_through(proxy: FaultProxy) -> None:
    client, large = await Client.to(proxy), b"x" * 1_000_000
    assert await client.ask(large) == large
    client.writer.write_eof()
    assert await client.reader.read() == b""


async def test_cut_ends_connections_and_refuses_new_ones_until_healed(proxy: FaultProxy) -> None:
    client = await Client.to(proxy)
    assert await client.ask(b"a") == b"a"
    await proxy.cut()
    with pytest.raises(BROKEN):
        await client.ask(b"b")
    with pytest.raises(ConnectionError):
        await Client.to(proxy)
    port = proxy.listen_port
    await proxy.heal()
    assert proxy.listen_port == port
    assert await (await Client.to(proxy)).ask(b"c") == b"c"


async def test_freeze_takes_connections_but_passes_nothing(proxy: FaultProxy) -> None:
    old = await Client.to(proxy)
    assert await old.ask(b"a") == b"a"
    proxy.freeze()
    new = await Client.to(proxy)
    for client in (old, new):
        with pytest.raises(TimeoutError):
            await client.ask(b"late", within_s=0.2)
    await proxy.heal()
    for client in (old, new):
        assert await asyncio.wait_for(client.reader.readexactly(4), 5) == b"late"


async def test_cut_while_frozen_loses_what_was_held(proxy: FaultProxy) -> None:
    client = await Client.to(proxy)
    proxy.freeze()
    client.writer.write(b"lost")
    await proxy.cut()
    await proxy.heal()
    assert await (await Client.to(proxy)).ask(b"new") == b"new"
    with pytest.raises(BROKEN):
        await client.ask(b"x")


async def test_delay_and_drop(proxy: FaultProxy) -> None:
    proxy.delay_s = 0.1
    started = time.monotonic()
    assert await (await Client.to(proxy)).ask(b"slow") == b"slow"
    assert time.monotonic() - started >= 0.2
    await proxy.heal()
    proxy.drop_next(2)
    for _ in range(2):
        with pytest.raises(BROKEN):
            await (await Client.to(proxy)).ask(b"x")
    assert await (await Client.to(proxy)).ask(b"y") == b"y"


async def test_target_that_is_down_breaks_the_connection() -> None:
    async with FaultProxy(0, "127.0.0.1", 1) as proxy:
        with pytest.raises(BROKEN):
            await (await Client.to(proxy)).ask(b"x")


def idle(_proxy: FaultProxy) -> None: ...


def slow(proxy: FaultProxy) -> None:
    proxy.delay_s = 60


@pytest.mark.parametrize("state", [idle, slow, FaultProxy.freeze])
async def test_a_stop_with_open_connections_is_quiet(proxy: FaultProxy, state: Callable[[FaultProxy], None]) -> None:
    """They end, and nothing is reported to the loop."""
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
    clients = [await Client.to(proxy) for _ in range(3)]
    for client in clients:
        assert await client.ask(b"a") == b"a"
    state(proxy)
    for client in clients:
        client.writer.write(b"b")
    await asyncio.sleep(0.05)
    async with asyncio.timeout(5):
        await proxy.stop()
    for client in clients:
        client.writer.close()
    await asyncio.sleep(0.05)
    assert reported == []
