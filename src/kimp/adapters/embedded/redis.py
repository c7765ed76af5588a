"""A real redis-server of our own, for machines without one. It keeps nothing: Redis carries only what may be lost.

Other users of the machine reach its port, so it wants a password, and whoever has that may do what kimp does and no
more. The password is in the data directory, where kimp's other processes find it.
"""

import asyncio
import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from kimp.adapters.embedded.neighbours import require_free_port
from kimp.adapters.embedded.process import (
    LOOPBACK,
    OwnServer,
    ServerProcess,
    free_port,
    open_data_dir,
    without_secrets,
)
from kimp.adapters.embedded.redis_program import find_program
from kimp.contracts.ticks import CHANNEL
from kimp.domain.errors import BadConfig

MEND = "set KIMP_LOCAL__REDIS_PORT, or name a Redis of yours in KIMP_REDIS_URL"
PASSWORD_FILE = "redis.password"  # noqa: S105 - its name
USERS_FILE = "redis.acl"
PASSWORD_BYTES = 32
LIMIT_OF_CLIENT = "normal", "16mb", "4mb", "10"
"""Of what waits for a reader that does not read, so that nobody fills the memory; without limit by default."""


class EmbeddedRedis(OwnServer):
    """redis-server on the loopback interface; on any free port unless one is given."""

    rights: ClassVar[str] = (
        f"~kimp:* resetchannels &{CHANNEL} -@all +ping +publish +subscribe +unsubscribe +set +mget +zadd +zscore +time"
        " +scan +type +get +zrange"
    )
    """What feeder, initiator and worker do, as in deploy/redis/users.acl, and a look by hand at what is there."""

    def __init__(self, data_dir: Path, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self.program = find_program()
        self._data_dir = data_dir.absolute()
        options: dict[str, tuple[object, ...]] = {
            "port": (self.port,),
            "bind": (LOOPBACK,),
            "dir": (self._data_dir,),
            "save": ("",),
            "appendonly": ("no",),
            "aclfile": (self._data_dir / USERS_FILE,),
            # Each word by itself: Redis 6 takes several in one for one.
            "client-output-buffer-limit": LIMIT_OF_CLIENT,
        }
        words = [str(word) for name, values in options.items() for word in (f"--{name}", *values)]
        command = [str(self.program.path), *words]
        super().__init__(ServerProcess("redis", command, data_dir, environment=without_secrets()))

    @property
    def url(self) -> str:
        """With the password, once it was started: never print it."""
        return own_url(self._data_dir, self.port)

    async def start(self) -> None:
        """Raises BadConfig when the port is taken, ServerFailed when the server does not come up."""
        require_free_port(self.port, "the embedded Redis", MEND)
        open_data_dir(self._data_dir)
        password = _password(self._data_dir) or _draw_password(self._data_dir)
        users = self._data_dir / USERS_FILE
        users.unlink(missing_ok=True)
        _write(users, f"user default on #{sha256(password.encode()).hexdigest()} {self.rights}\n")
        await super().start()

    async def _serves(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection(LOOPBACK, self.port)
        except OSError:
            return False
        try:
            writer.write(b"PING\r\n")
            return (await reader.readline()).startswith(b"-NOAUTH")
        except OSError:
            return False
        finally:
            writer.close()


def own_url(data_dir: Path, port: int) -> str:
    """How kimp's processes reach the server that serves with this data directory: never print it."""
    password = _password(data_dir)
    return f"redis://{f':{password}@' if password else ''}{LOOPBACK}:{port}/0"


def _password(data_dir: Path) -> str | None:
    """None before the first start. Raises BadConfig for a file of somebody else: whoever laid it knows the password."""
    file = data_dir / PASSWORD_FILE
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadConfig(f"cannot read {file} ({error.strerror}), the password of kimp's own Redis") from None
    with os.fdopen(descriptor, encoding="ascii") as opened:
        if os.fstat(descriptor).st_uid not in {os.geteuid(), data_dir.stat().st_uid}:
            raise BadConfig(
                f"{file} belongs to another user; delete it, or set KIMP_LOCAL__DATA_DIR to a folder of yours"
            )
        return opened.read().strip()


def _draw_password(data_dir: Path) -> str:
    password = secrets.token_hex(PASSWORD_BYTES)
    with suppress(FileExistsError):
        _write(data_dir / PASSWORD_FILE, password)
    return _password(data_dir) or password


def _write(file: Path, text: str) -> None:
    """Raises FileExistsError: nothing that lies there already is followed or filled."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as opened:
        opened.write(text)
