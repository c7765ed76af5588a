"""All servers that kimp needs in production, natively, from nothing: Temporal's roles, PostgreSQL, MariaDB, Redis."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.harness.mariadb import MariaDb
from cluster.programs import WriteLine, ensure_programs
from cluster.temporal import TemporalCluster
from fakes.open_redis import OpenRedis

READABLE = 0o755
"""PostgreSQL runs as a user of its own and must get through the folder above its data."""


@dataclass(frozen=True, slots=True)
class Servers:
    temporal: TemporalCluster
    mariadb: MariaDb
    redis: OpenRedis

    def check(self) -> None:
        """Raises ServerFailed when one ended by itself."""
        self.temporal.check()
        self.redis.check()

    @property
    def for_kimp(self) -> dict[str, str]:
        """The variables by which kimp finds them."""
        return {
            "TEMPORAL_ADDRESS": self.temporal.address,
            "KIMP_REDIS_URL": self.redis.url,
            "KIMP_DATABASE_URL": self.mariadb.url,
        }

    @property
    def for_tests(self) -> dict[str, str]:
        """The variables by which the tests find them."""
        return {
            "KIMP_TEST_TEMPORAL_ADDRESS": self.temporal.address,
            "KIMP_TEST_REDIS_URL": self.redis.url,
            "KIMP_TEST_DATABASE_URL": self.mariadb.url,
        }


@asynccontextmanager
async def open_servers(folder: Path, write_line: WriteLine) -> AsyncIterator[Servers]:
    """Nothing of them is left afterwards but what is in `folder`. Raises BadConfig for a program that is missing."""
    programs = await ensure_programs(write_line)
    folder.chmod(READABLE)
    async with AsyncExitStack() as stack:
        temporal = await stack.enter_async_context(TemporalCluster(programs, folder / "temporal"))
        write_line(f"Temporal: frontend at {temporal.address}, {len(temporal.roles)} roles on PostgreSQL")
        mariadb = await stack.enter_async_context(MariaDb(folder / "mariadb", secrets.token_urlsafe(24)))
        write_line("MariaDB: a server of its own")
        redis = await stack.enter_async_context(OpenRedis(folder / "redis"))
        write_line(f"Redis: on port {redis.port}")
        yield Servers(temporal, mariadb, redis)
