"""A Redis that answers and does not serve: each check does what its process does, and tells the server's own word."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from fakes.market import quote
from redis.asyncio import Redis

from kimp.adapters.embedded.process import LOOPBACK, ServerProcess, free_port
from kimp.adapters.embedded.redis_program import find_program
from kimp.adapters.redis.bus import RedisTickBus
from kimp.bootstrap.parts import require_admission
from kimp.domain.errors import BadConfig, BusUnavailable
from kimp.domain.money import Asset
from kimp.domain.venues import Venue

XRP = Asset("XRP")
QUOTES = [quote(Venue.UPBIT, XRP, "1400", "1401")]
Start = Callable[..., Awaitable[int]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts servers of a test's own, and says their ports."""
    servers: list[ServerProcess] = []

    async def started(*options: str, port: int | None = None) -> int:
        port = port or free_port()
        folder = tmp_path / f"{len(servers)}"
        folder.mkdir()
        command = [str(str(find_program().path)), "--port", str(port), "--bind", LOOPBACK, "--dir", str(folder)]
        server = ServerProcess("redis", [*command, "--save", "", *options], folder)

        async def answers() -> bool:
            try:
                _, writer = await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                return False
            writer.close()
            return True

        await server.start(answers, 20)
        servers.append(server)
        return port

    yield started
    for server in servers:
        server.kill()  # one whose snapshots fail does not end when it is asked to


def bus_of(port: int, user: str = "") -> RedisTickBus:
    return RedisTickBus(f"redis://{user}{LOOPBACK}:{port}/0")


async def refusal(call: Awaitable[None]) -> str:
    with pytest.raises(BusUnavailable) as caught:
        await call
    text = str(caught.value)
    assert "\n" not in text
    return text


async def test_a_full_redis_still_publishes_and_says_that_it_keeps_nothing(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    port = await start()
    async with Redis(port=port) as admin:
        await admin.config_set("maxmemory", "100kb")
        await admin.config_set("maxmemory-policy", "noeviction")
    bus, reader = bus_of(port), bus_of(port)
    received = aiter(reader.batches())
    first = asyncio.ensure_future(anext(received))
    while not first.done():
        await bus.publish(QUOTES)  # raises nothing: it went out
        await asyncio.sleep(0.02)
    assert bus.counts["not_kept"] >= 1
    assert caplog.text.count("keeps no last values: OOM") == 1
    assert "refuses: OOM: its memory is full" in await refusal(bus.check_publishing())
    await bus.check_reading()
    await bus.close()
    await reader.close()


async def test_what_was_refused_whole_was_not_published(start: Start) -> None:
    port = await start("--user", "default", "on", "nopass", "~kimp:*", "resetchannels", "+@all")
    bus = bus_of(port)
    assert "NOPERM" in await refusal(bus.publish(QUOTES))
    assert "NOPERM: this user may not do" in await refusal(bus.check_publishing())
    assert "NOPERM" in await refusal(bus.check_listening())
    await bus.check_reading()
    await bus.close()


async def test_failing_snapshots_refuse_writes(start: Start, tmp_path: Path) -> None:
    port = await start("--stop-writes-on-bgsave-error", "yes")
    async with Redis(port=port) as admin:
        (tmp_path / "0" / "dump.rdb").mkdir()  # where the snapshot goes
        await admin.config_set("save", "1 1")
        await admin.bgsave()
        while (await admin.info("persistence"))["rdb_last_bgsave_status"] == "ok":  # noqa: ASYNC110 - the server's event
            await asyncio.sleep(0.02)
    bus = bus_of(port)
    assert "refuses: MISCONF: its snapshots fail" in await refusal(bus.check_publishing())
    await bus.close()


async def test_passwords(start: Start) -> None:
    port = await start("--requirepass", "right")
    for user, word in (("", "NOAUTH"), (":wr0ng@", "WRONGPASS")):
        bus = bus_of(port, user)
        reported = await refusal(bus.check_reading())
        assert f"refuses: {word}" in reported
        assert "wr0ng" not in reported
        assert word in await refusal(bus.publish(QUOTES))
        await bus.close()


async def test_after_a_failover_the_name_is_looked_up_anew(start: Start) -> None:
    """The old master is a replica now, and answers all the same: its connections must not be kept."""
    port = await start()
    bus = bus_of(port)
    await bus.publish(QUOTES)
    async with Redis(port=port) as admin:
        before = {client["id"] for client in await admin.client_list()}
        await admin.execute_command("REPLICAOF", LOOPBACK, str(free_port()))  # type: ignore[no-untyped-call]
        assert "READONLY" in await refusal(bus.publish(QUOTES))
        assert "refuses: READONLY: it is a replica" in await refusal(bus.check_publishing())
        await admin.execute_command("REPLICAOF", "NO", "ONE")  # type: ignore[no-untyped-call]
        await bus.publish(QUOTES)
        own = {str(await admin.client_id())}
        assert not (before - own) & {client["id"] for client in await admin.client_list()}
    await bus.close()


@pytest.mark.parametrize(("user", "word"), [("", "NOAUTH"), (":wrong@", "WRONGPASS"), ("reader:r@", "NOPERM")])
async def test_a_process_that_redis_refuses_does_not_start(start: Start, tmp_path: Path, user: str, word: str) -> None:
    users = tmp_path / "users.acl"
    users.write_text("user default on >p ~* &* +@all\nuser reader on >r ~* &* +mget\n")
    bus = bus_of(await start("--aclfile", str(users)), user)
    with pytest.raises(BadConfig, match=rf"Redis at redis://127\.0\.0\.1:\d+ refuses: {word}"):
        await require_admission(bus.check_publishing)
    await bus.close()


async def test_a_process_starts_though_redis_is_away() -> None:
    bus = bus_of(free_port())
    await require_admission(bus.check_reading)
    await bus.close()
