"""Each user of Redis in deploy/redis/users.acl can do what its processes need, and nothing else: on a real server."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes.compose import SECRETS
from fakes.market import quote, rules_of
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError

from kimp.adapters.embedded.process import LOOPBACK, ServerProcess, free_port
from kimp.adapters.embedded.redis_program import find_program
from kimp.adapters.redis.bus import RedisTickBus, last_key
from kimp.bootstrap.doctor import redis_serves
from kimp.config import Settings
from kimp.contracts.ticks import CHANNEL
from kimp.domain.errors import BusUnavailable
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.operations.doctor import DoctorWarning

XRP = Asset("XRP")
REDIS = shutil.which("redis-server") or str(str(find_program().path))
"""Debian's is the same major version as in docker-compose.yml."""
ROLES = ("feeder", "initiator", "worker")
FORBIDDEN = (
    ("FLUSHALL",),
    ("CONFIG", "GET", "*"),
    ("ACL", "LIST"),
    ("KEYS", "*"),
    ("GET", "kimp:last:upbit:XRP"),
    ("DEL", "kimp:last:upbit:XRP"),
    ("EVAL", "return 1", "0"),
    ("SHUTDOWN",),
    ("REPLICAOF", "NO", "ONE"),
    ("CLIENT", "LIST"),
)


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """Freshly drawn."""
    subprocess.run(["sh", str(SECRETS), str(tmp_path / "secrets")], check=True, capture_output=True)
    return tmp_path / "secrets"


@pytest.fixture
async def urls(secrets: Path, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """How each role reaches a server of the test's own."""
    port = free_port()
    options = ["--port", str(port), "--bind", LOOPBACK, "--save", "", "--aclfile", str(secrets / "redis_users")]
    server = ServerProcess("redis", [REDIS, *options], tmp_path)

    async def answers() -> bool:
        try:
            async with Redis(host=LOOPBACK, port=port, username="health", password="none") as redis:
                return bool(await redis.ping())
        except OSError:
            return False

    await server.start(answers, 20)
    yield {
        "default": f"redis://{LOOPBACK}:{port}/0",
        "health": f"redis://health:none@{LOOPBACK}:{port}/0",
        **{r: (secrets / f"redis_url_{r}").read_text().replace("@redis:6379", f"@{LOOPBACK}:{port}") for r in ROLES},
    }
    await server.stop()


async def test_quotes_and_rules_go_from_the_feeder_to_initiator_and_worker(urls: dict[str, str]) -> None:
    feeder, initiator, worker = (RedisTickBus(urls[role]) for role in ROLES)
    listening = initiator.batches()
    first = aiter(listening)
    try:
        for check in (feeder.check_publishing, initiator.check_listening, worker.check_reading):
            await check()
        received = asyncio.ensure_future(anext(first))
        for _ in range(100):
            await feeder.publish([quote(Venue.UPBIT, XRP, "1400", "1401")])
            if received.done():
                break
            await asyncio.sleep(0.05)
        assert await received
        await feeder.publish_rules(rules_of(Venue.UPBIT, [], []))
        for bus in (initiator, worker):
            assert [found.coin for found in await bus.latest([XRP])] == [XRP]
            assert [found.venue for found in await bus.latest_rules()] == [Venue.UPBIT]
    finally:
        for bus in (feeder, initiator, worker):
            await bus.close()


@pytest.mark.parametrize("role", ROLES)
async def test_each_tells_the_others_what_a_venue_told_it(urls: dict[str, str], role: str) -> None:
    reported, receives = RedisTickBus(urls[role]), RedisTickBus(urls["worker"])
    try:
        await reported.publish_pause("banned.example", 120)
        assert 110 < await receives.pause_left_s("banned.example") <= 120
    finally:
        await reported.close()
        await receives.close()


async def test_only_the_feeder_writes(urls: dict[str, str]) -> None:
    for role in ("initiator", "worker"):
        bus = RedisTickBus(urls[role])
        with pytest.raises(BusUnavailable):
            await bus.publish([quote(Venue.UPBIT, XRP, "1400", "1401")])
        with pytest.raises(BusUnavailable):
            await bus.publish_rules(rules_of(Venue.UPBIT, [], []))
        await bus.close()


async def test_doctor_tells_what_a_user_may_not_do(urls: dict[str, str]) -> None:
    """A server that answers is none that serves everybody."""
    for role, kind, reported in (
        ("initiator", DoctorWarning, r"this user may not publish \(NOPERM\)"),
        ("worker", DoctorWarning, r"this user may not publish or listen \(NOPERM\)"),
        ("feeder", DoctorWarning, r"this user may not listen \(NOPERM\)"),
        ("health", BusUnavailable, "refuses: NOPERM"),
        ("default", BusUnavailable, "refuses: NOAUTH"),
    ):
        with pytest.raises(kind, match=reported):
            await redis_serves(Settings(redis_url=SecretStr(urls[role])))


@pytest.mark.parametrize("role", [*ROLES, "health"])
async def test_no_role_can_do_more(urls: dict[str, str], role: str) -> None:
    async with Redis.from_url(urls[role]) as redis:
        for command in FORBIDDEN:
            with pytest.raises(NoPermissionError):
                await redis.execute_command(*command)  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("role", "command"),
    [
        ("feeder", ("SET", "other", "1")),
        ("feeder", ("SET", "kimp:other", "1")),
        ("feeder", ("PUBLISH", "other", "1")),
        ("feeder", ("MGET", "other")),
        ("feeder", ("SUBSCRIBE", CHANNEL)),
        ("initiator", ("MGET", "other")),
        ("initiator", ("SUBSCRIBE", "other")),
        ("worker", ("SUBSCRIBE", CHANNEL)),
        ("health", ("MGET", last_key(Venue.UPBIT, XRP))),
    ],
)
async def test_a_right_ends_at_its_keys_and_channels(urls: dict[str, str], role: str, command: tuple[str, ...]) -> None:
    async with Redis.from_url(urls[role]) as redis:
        with pytest.raises(NoPermissionError):
            await redis.execute_command(*command)  # type: ignore[no-untyped-call]


async def test_nobody_gets_in_without_a_password(urls: dict[str, str]) -> None:
    async with Redis.from_url(urls["default"]) as redis:
        with pytest.raises(AuthenticationError):
            await redis.ping()
