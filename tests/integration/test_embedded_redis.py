import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.open_redis import GovernedRedis, OpenRedis
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from kimp.adapters.embedded.process import LOOPBACK, ServerFailed, ServerProcess
from kimp.adapters.embedded.redis import PASSWORD_FILE, EmbeddedRedis
from kimp.adapters.redis.bus import RedisTickBus
from kimp.bootstrap.parts import bus_url
from kimp.config import Settings
from kimp.config.settings import LocalSettings
from kimp.contracts.ticks import CHANNEL
from kimp.domain.errors import BadConfig

FORBIDDEN = (
    ("CONFIG", "SET", "dir", "/"),
    ("SAVE",),
    ("BGSAVE",),
    ("EVAL", "return 1", "0"),
    ("FUNCTION", "LIST"),
    ("MODULE", "LIST"),
    ("DEBUG", "SLEEP", "0"),
    ("SHUTDOWN", "NOSAVE"),
    ("FLUSHALL",),
    ("REPLICAOF", "NO", "ONE"),
    ("ACL", "LIST"),
    ("SET", "other", "1"),
    ("PUBLISH", "other", "1"),
    ("PFCOUNT", "kimp:a"),
)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    async with EmbeddedRedis(tmp_path) as server:
        yield server


async def test_serves_redis_and_ends_with_its_block(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path) as server:
        client = Redis.from_url(server.url)
        await client.set("kimp:a", "1")
        assert await client.get("kimp:a") == b"1"
        await client.aclose()
        assert server.running
    assert not server.running


async def test_writes_no_snapshot(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path) as server:
        client = Redis.from_url(server.url)
        await client.set("kimp:a", "1")
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
    server = OpenRedis(tmp_path)
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


async def test_who_has_no_password_is_refused_everything(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path) as server:
        reader, writer = await asyncio.open_connection(LOOPBACK, server.port)
        for command in ("PING", f"PUBLISH {CHANNEL} x", "CONFIG SET dir /", "GET kimp:a"):
            writer.write(f"{command}\r\n".encode())
            assert (await reader.readline()).startswith(b"-NOAUTH")
        writer.close()


async def test_who_has_the_password_may_do_what_kimp_does_and_no_more(server: EmbeddedRedis) -> None:
    refused = (NoPermissionError, ResponseError)  # a server without such a command does not know it
    async with Redis.from_url(server.url) as own:
        for command in FORBIDDEN:
            with pytest.raises(refused):
                await own.execute_command(*command)  # type: ignore[no-untyped-call]
    bus = RedisTickBus(server.url)
    for check in (bus.check_publishing, bus.check_listening, bus.check_reading):
        await check()
    await bus.close()


async def test_the_password_is_in_a_file_of_ours_alone_and_in_no_command_line(
    server: EmbeddedRedis, tmp_path: Path
) -> None:
    file = tmp_path / PASSWORD_FILE
    password = file.read_text()
    assert len(password) == 64
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert password not in Path(f"/proc/{server.pid}/cmdline").read_text()
    assert password not in (tmp_path / "redis.log").read_text()
    local = LocalSettings(data_dir=tmp_path, redis_port=server.port)
    assert bus_url(Settings(local=local)) == server.url == f"redis://:{password}@{LOOPBACK}:{server.port}/0"


async def test_a_restart_keeps_the_password_so_that_whoever_is_connected_comes_back(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    async with server:
        before = server.url
    async with server, Redis.from_url(before) as client:
        assert await client.ping()


async def test_a_password_that_somebody_else_laid_there_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / PASSWORD_FILE).write_text("known to eve")
    known = os.fstat

    def of_eve(descriptor: int) -> os.stat_result:
        reported = list(known(descriptor))
        reported[stat.ST_UID] = 4_711
        return os.stat_result(reported)

    monkeypatch.setattr("os.fstat", of_eve)
    with pytest.raises(BadConfig, match=r"redis\.password belongs to another user; delete it"):
        EmbeddedRedis(tmp_path).url  # noqa: B018 - it raises


async def test_a_link_in_the_place_of_the_password_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "eves").write_text("known to eve")
    (tmp_path / PASSWORD_FILE).symlink_to(tmp_path / "eves")
    with pytest.raises(BadConfig, match=r"cannot read .*redis\.password"):
        await EmbeddedRedis(tmp_path).start()


async def test_a_governor_of_tests_changes_none_of_kimps_rights(tmp_path: Path) -> None:
    async with GovernedRedis(tmp_path) as server:
        async with Redis.from_url(server.governors_url) as governor:
            assert await governor.config_get("port")
        async with Redis.from_url(server.url) as own:
            with pytest.raises(NoPermissionError):
                await own.config_get("port")
