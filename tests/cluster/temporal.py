"""The real Temporal server: one process per role on one PostgreSQL, with the configuration in deploy/temporal."""

import asyncio
import os
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from cluster.postgres import USER, Postgres
from cluster.programs import ROOT, Programs
from temporalio.client import Client
from temporalio.service import RPCError

from kimp.adapters.embedded.neighbours import require_free_port
from kimp.adapters.embedded.process import LOOPBACK, OwnServer, ServerFailed, ServerProcess
from kimp.domain.errors import BadConfig

CONFIG = ROOT / "deploy/temporal"
ROLES = ("history", "matching", "frontend", "worker")
"""In the order in which they start."""
SERVES_S = 90
GRACE_S = 3
"""Left to itself a role takes up to 20 s to say goodbye, and nothing of it is kept."""
LOW_PORTS = range(20_000, 32_768)
"""Temporal stores its roles' ports as 16 bits with a sign, and the kernel's own choice is above that."""


class Role(OwnServer):
    """One process of the server; after a kill it starts again on the same ports."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: Mapping[str, str], port: int) -> None:
        self.name = name
        self._port = port
        super().__init__(ServerProcess(f"temporal-{name}", command, folder, environment, grace_s=GRACE_S))

    async def _serves(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(LOOPBACK, self._port)
        except OSError:
            return False
        writer.close()
        return True


class TemporalCluster:
    """All roles, and the database below them. A namespace is the user's to make."""

    def __init__(self, programs: Programs, folder: Path) -> None:
        """`folder` is made; nothing of an earlier cluster is found again."""
        self._folder = folder
        self._programs = programs
        self.postgres = Postgres(programs.postgres, folder / "postgres")
        ports = iter(_free_low_ports(2 * len(ROLES)))
        self._ports = {role: (next(ports), next(ports)) for role in ROLES}
        self.roles = {role: self._role(role) for role in ROLES}
        self.servers: dict[str, OwnServer] = {**self.roles, "postgres": self.postgres}
        """All that may be killed."""
        self._exit = AsyncExitStack()

    @property
    def address(self) -> str:
        """Of the frontend."""
        return f"{LOOPBACK}:{self._ports['frontend'][0]}"

    async def __aenter__(self) -> Self:
        try:
            await self._exit.enter_async_context(self.postgres)
            await self._prepare_schema()
            for role in self.roles.values():
                await role.start()
                self._exit.push_async_callback(role.stop)
            await self._until_it_serves()
        except BaseException:
            await self._exit.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # All at once: each waits for its own grace.
        await asyncio.gather(*(role.stop() for role in self.roles.values()))
        await self._exit.aclose()

    def check(self) -> None:
        """Raises ServerFailed when a role ended by itself."""
        for role in self.roles.values():
            role.check()

    async def _prepare_schema(self) -> None:
        script = await asyncio.create_subprocess_exec(
            str(CONFIG / "schema.sh"),
            env={
                **os.environ,
                "SQL_TOOL": str(self._programs.sql_tool),
                "SQL_HOST": LOOPBACK,
                "SQL_PORT": str(self.postgres.port),
                "SQL_USER": USER,
                "SQL_PASSWORD_FILE": str(self.postgres.password_file),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        message, _ = await script.communicate()
        (self._folder / "schema.log").write_bytes(message)
        if script.returncode != 0:
            raise ServerFailed(f"schema.sh failed: {message.decode().strip()[-300:]}")

    async def _until_it_serves(self) -> None:
        """The roles find each other after they have started. Raises ServerFailed."""
        try:
            async with asyncio.timeout(SERVES_S):
                while not await self._serves():
                    self.check()
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise ServerFailed(f"Temporal does not serve after {SERVES_S} s; see the logs in {self._folder}") from None

    async def _serves(self) -> bool:
        try:
            client = await Client.connect(self.address)
            await client.count_workflows(rpc_timeout=None)
        except (RuntimeError, RPCError) as error:
            # There is no namespace yet: who knows that has read the database.
            return isinstance(error, RPCError) and "not found" in error.message
        return True

    def _role(self, role: str) -> Role:
        command = [str(self._programs.server), "--config-file", str(CONFIG / "server.yaml"), "--allow-no-auth"]
        return Role(
            role, [*command, "start", "--service", role], self._folder, self._environment(), self._ports[role][0]
        )

    def _environment(self) -> dict[str, str]:
        ports = {}
        for role, (grpc, membership) in self._ports.items():
            ports[f"{role.upper()}_GRPC_PORT"] = str(grpc)
            ports[f"{role.upper()}_MEMBERSHIP_PORT"] = str(membership)
        return {
            "PATH": os.environ["PATH"],
            "LOG_LEVEL": "warn",
            "POSTGRES_ADDRESS": self.postgres.address,
            "POSTGRES_PASSWORD_FILE": str(self.postgres.password_file),
            "FRONTEND_ADDRESS": self.address,
            "DYNAMIC_CONFIG_FILE_PATH": str(CONFIG / "dynamic.yaml"),
            **ports,
        }


def _free_low_ports(many: int) -> list[int]:
    found: set[int] = set()
    while len(found) < many:
        port = random.choice(LOW_PORTS)
        with suppress(BadConfig):
            require_free_port(port, "Temporal", "")
            found.add(port)
    return list(found)
