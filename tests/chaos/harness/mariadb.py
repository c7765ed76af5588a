"""A MariaDB of the run's own, that can be killed and finds its data again."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

from sqlalchemy import text
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from kimp.adapters.embedded.process import LOOPBACK, OwnServer, ServerProcess, free_port
from kimp.domain.errors import BadConfig

USER = "kimp"


class MariaDb(OwnServer):
    def __init__(self, folder: Path, password: str) -> None:
        """Raises BadConfig where no MariaDB is installed."""
        install, server = shutil.which("mariadb-install-db"), shutil.which("mariadbd")
        if install is None or server is None:
            raise BadConfig("there is no mariadbd on PATH; install mariadb-server, or name a database by its URL")
        folder.mkdir(parents=True)
        self._password = password
        self._port = free_port()
        data = f"--datadir={folder / 'data'}"
        owner = ["--user=root"] if os.getuid() == 0 else []
        self._install = [install, data, "--auth-root-authentication-method=normal", *owner]
        where = [data, f"--port={self._port}", f"--bind-address={LOOPBACK}", f"--socket={folder / 'socket'}"]
        command = [server, "--no-defaults", "--skip-name-resolve", *where, *owner]
        super().__init__(ServerProcess("mariadb", command, folder))

    @property
    def url(self) -> str:
        return self._url(USER, self._password, "kimp").render_as_string(hide_password=False)

    async def __aenter__(self) -> Self:
        quiet = asyncio.subprocess.DEVNULL
        made = await asyncio.create_subprocess_exec(*self._install, stdout=quiet, stderr=quiet)
        await made.wait()
        await super().__aenter__()
        await self._run(
            "CREATE DATABASE kimp",
            f"CREATE USER {USER}@'%' IDENTIFIED BY '{self._password}'",
            f"GRANT ALL ON kimp.* TO {USER}@'%'",
            f"GRANT ALL ON `kimp\\_test\\_%`.* TO {USER}@'%'",
        )
        return self

    @asynccontextmanager
    async def read_only(self) -> AsyncIterator[None]:
        """As after a failover to a reader: 1290 for all but root."""
        await self._run("SET GLOBAL read_only = 1")
        try:
            yield
        finally:
            with suppress(SQLAlchemyError):  # it was killed meanwhile, and comes back as a writer
                await self._run("SET GLOBAL read_only = 0")

    async def _serves(self) -> bool:
        try:
            await self._run("SELECT 1")
        except (SQLAlchemyError, OSError):
            return False
        return True

    async def _run(self, *statements: str) -> None:
        engine = create_async_engine(self._url("root", None, "mysql"), isolation_level="AUTOCOMMIT")
        try:
            async with engine.connect() as connection:
                for statement in statements:
                    await connection.execute(text(statement))
        finally:
            await engine.dispose()

    def _url(self, user: str, password: str | None, database: str) -> URL:
        return URL.create("mysql+asyncmy", user, password, LOOPBACK, self._port, database)
