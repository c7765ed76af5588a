"""A PostgreSQL of the cluster's own, on a free port of the loopback interface. It refuses to be run by root."""

import asyncio
import os
import pwd
import secrets
import shutil
from pathlib import Path
from typing import Self

from kimp.adapters.embedded.process import LOOPBACK, OwnServer, ServerFailed, ServerProcess, free_port
from kimp.domain.errors import BadConfig

USER = "temporal"
OWNER = "postgres"
"""The user that Debian's package makes; taken when root starts us."""
CONNECTIONS = 200
"""Four roles of Temporal with 25 each, and room for a second process of each role."""


class Postgres(OwnServer):
    """Started on a new data directory, which only its owner may read."""

    def __init__(self, programs: Path, folder: Path) -> None:
        """`folder` must be reachable for the unprivileged user. Raises BadConfig where there is no such user."""
        self.port = free_port()
        self.password_file = folder / "password"
        self._folder = folder
        self._data = folder / "data"
        self._initdb, self._ready = programs / "initdb", programs / "pg_isready"
        options = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "max_connections": CONNECTIONS,
            "unix_socket_directories": "",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [str(programs / "postgres"), "-D", str(self._data), *settings]
        # Log and lock are private to us, in a folder of their own: the server must reach its data.
        super().__init__(ServerProcess("postgres", [*_unprivileged(), *command], folder / "run"))

    async def __aenter__(self) -> Self:
        self._folder.mkdir(parents=True)
        self.password_file.write_text(secrets.token_urlsafe(24))
        self._data.mkdir(mode=0o700)
        if os.getuid() == 0:
            for path in (self._data, self.password_file):
                shutil.chown(path, OWNER, OWNER)
        self.password_file.chmod(0o600)
        await self._run(
            *_unprivileged(),
            str(self._initdb),
            *("-D", str(self._data), "-U", USER, "--auth=scram-sha-256", f"--pwfile={self.password_file}"),
            *("--encoding=UTF8", "--locale=C", "--no-sync"),
        )
        return await super().__aenter__()

    @property
    def address(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    async def _serves(self) -> bool:
        asked = await asyncio.create_subprocess_exec(
            str(self._ready), "-q", "-h", LOOPBACK, "-p", str(self.port), stdout=asyncio.subprocess.DEVNULL
        )
        return await asked.wait() == 0

    async def _run(self, *command: str) -> None:
        ran = await asyncio.create_subprocess_exec(
            *command, cwd="/", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        message, _ = await ran.communicate()
        if ran.returncode != 0:
            raise ServerFailed(f"initdb failed: {message.decode().strip()[-300:]}")


def _unprivileged() -> list[str]:
    """What goes before a command that root must not run. The change of user would forget that it dies with us."""
    if os.getuid() != 0:
        return []
    try:
        pwd.getpwnam(OWNER)
    except KeyError:
        raise BadConfig(
            f"there is no user {OWNER}, and root may not run PostgreSQL; run this as another user"
        ) from None
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise BadConfig("there is no setpriv on PATH; install Debian's package util-linux")
    return [setpriv, f"--reuid={OWNER}", f"--regid={OWNER}", "--init-groups", "--pdeathsig=KILL"]
