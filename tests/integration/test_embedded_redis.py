import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis

from kimp.adapters.embedded.process import ServerFailed, ServerProcess, free_port
from kimp.adapters.embedded.redis import EmbeddedRedis
from kimp.domain.errors import BadConfig


async def test_serves_redis_and_ends_with_its_block(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path) as server:
        client = Redis.from_url(server.url)
        await client.set("a", "1")
        assert await client.get("a") == b"1"
        await client.aclose()
        assert server.running
    assert not server.running


async def test_writes_no_snapshot(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path) as server:
        client = Redis.from_url(server.url)
        await client.set("a", "1")
        await client.aclose()
    assert not list(tmp_path.glob("*.rdb"))
    assert not list(tmp_path.glob("*.aof"))


async def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path / "one") as first:
        with pytest.raises(BadConfig, match=f"port {first.port} .*KIMP_REDIS_URL"):
            await EmbeddedRedis(tmp_path / "two", port=first.port).start()


async def test_two_servers_never_share_a_data_directory(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path):
        with pytest.raises(BadConfig, match="already runs"):
            await EmbeddedRedis(tmp_path).start()


async def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadConfig, match="KIMP_LOCAL__DATA_DIR"):
        await EmbeddedRedis(tmp_path / "file" / "data").start()


async def test_a_server_that_ends_while_starting_fails_with_what_it_said(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    server = ServerProcess("broken", ["/bin/sh", "-c", "echo first; echo no such luck; exit 3"], tmp_path)
    with pytest.raises(ServerFailed, match=r"ended while starting: no such luck"):
        await server.start(never, 30)
    assert not server.running


async def test_a_server_that_refuses_its_configuration_is_bad_configuration_of_ours(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    server = ServerProcess("picky", ["/bin/sh", "-c", "echo kimp: no such setting; exit 2"], tmp_path)
    with pytest.raises(BadConfig, match="ended while starting: no such setting"):
        await server.start(never, 30)


async def test_a_server_that_never_answers_is_not_left_behind(tmp_path: Path) -> None:
    async def never() -> bool:
        return False

    server = ServerProcess("deaf", ["/bin/sleep", "600"], tmp_path)
    with pytest.raises(ServerFailed, match="did not answer within 1 s"):
        await server.start(never, 1)
    assert not server.running


async def test_a_server_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path, port=free_port())
    await server.start()
    client = Redis.from_url(server.url)
    await client.shutdown(nosave=True)
    with pytest.raises(ServerFailed, match="ended by itself"):
        await _watch(server)
    await server.stop()


async def _watch(server: EmbeddedRedis) -> None:
    """The process ends a moment after its answer; the test's own timeout bounds the wait."""
    while True:
        server.check()
        await asyncio.sleep(0.01)
