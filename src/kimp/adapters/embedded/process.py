"""Servers that kimp runs itself, as child processes that never outlive it and never die before it wants."""

import asyncio
import fcntl
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from kimp.domain.errors import BadConfig, KimpError

LOOPBACK = "127.0.0.1"
START_S = 60
STOP_GRACE_S = 10
POLL_S = 0.02
REFUSED_ITS_INPUT = 2
"""Exit code of kimp's own processes, and a habit of many others, for a bad configuration or command line."""
QUIET_PORTS = range(20_000, 32_000)

# The kernel kills the server when the thread that started it ends, however it ends. Asked for by a tiny program that
# then becomes the server: `preexec_fn` may deadlock in a process with threads, and ours has Temporal's.
# Other systems than Linux have no such call: there a server outlives a killed kimp, and the next start says so.
_DIE_WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""


HARMLESS = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "LOGNAME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
"""Variables that other people's programs may see of our environment, which may hold keys of venues and passwords."""
OWN_FILES = ("*.db", "*.db-shm", "*.db-wal", "*.log", "*.lock", "redis.password")
"""That kimp and its servers make in the data directory."""


class ServerFailed(KimpError):
    """A server of ours did not start, or ended by itself."""


def without_secrets() -> dict[str, str]:
    """The environment for a program that is not kimp's own."""
    return {name: os.environ[name] for name in HARMLESS if name in os.environ}


def keep_private(folder: Path) -> None:
    """Make the data directory, and what is in it already, ours alone: books, histories and logs are nobody else's.

    A folder that others share (a sticky one, or another user's) is left as it is.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = folder.stat()
    if there.st_uid != os.geteuid() or there.st_mode & stat.S_ISVTX:
        return
    folder.chmod(0o700)
    for file in (file for pattern in OWN_FILES for file in folder.glob(pattern)):
        if file.is_file() and not file.is_symlink():
            file.chmod(0o600)


def open_data_dir(folder: Path) -> None:
    """Make it, private. Raises BadConfig where that can't be."""
    try:
        keep_private(folder)
    except OSError as error:
        raise BadConfig(
            f"cannot write to {folder} ({error.strerror}); set KIMP_LOCAL__DATA_DIR to a writable folder"
        ) from None


def tied_to_us(argv: Sequence[str]) -> list[str]:
    """The command line of a child that ends with us. Its program must be an absolute path."""
    return [sys.executable, "-I", "-S", "-c", _DIE_WITH_PARENT, str(os.getpid()), *argv]


def free_port() -> int:
    """A port of the loopback interface that nothing listens on now.

    Below those that systems give to outgoing connections: such a one would take it before its server starts, or while
    that is away to be started again.
    """
    while True:
        port = secrets.choice(QUIET_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port


def held_locks(data_dir: Path) -> list[str]:
    """Names of the processes that run on this data directory."""
    return [path.stem for path in sorted(data_dir.glob("*.lock")) if is_locked(path)]


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock."""
    lock = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


class ServerProcess:
    """One server as a child. Start it from a thread that lives as long as the server shall, the main one by habit."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        data_dir: Path,
        environment: Mapping[str, str] | None = None,
        *,
        grace_s: int = STOP_GRACE_S,
    ) -> None:
        """`environment` replaces ours; `grace_s` is how long a stop waits for the server before it is killed."""
        self.name = name
        self._grace_s = grace_s
        self._environment = environment
        self._argv = argv
        self._data_dir = data_dir
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self._data_dir / f"{self.name}.log"

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended by itself; negative for the number of a signal. None while it runs, and after a stop."""
        return self._child.poll() if self._child is not None else None

    async def start(self, ready: Callable[[], Awaitable[bool]], timeout_s: int) -> None:
        """Start and wait until `ready`.

        Raises ServerFailed, or BadConfig if it refused its configuration, with the last line that it said.
        """
        self._spawn()
        try:
            await asyncio.wait_for(self._until(ready), timeout_s)
        except TimeoutError:
            await self.stop()
            raise self._failed(f"did not answer within {timeout_s} s") from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """End it: asked first, killed after a grace."""
        child, self._child = self._child, None
        if child is None:
            return
        try:
            await _end(child, self._grace_s)
        finally:  # also when we are cancelled while waiting
            if child.poll() is None:
                child.kill()
            child.wait()

    def kill(self) -> int | None:
        """End it like a power cut. That is no failure of its own, and `start` brings it back. Returns its pid."""
        child, self._child = self._child, None
        if child is None:
            return None
        child.kill()
        child.wait()
        return child.pid

    def check(self) -> None:
        """Raises ServerFailed when the server ended by itself."""
        if self._child is not None and self._child.poll() is not None:
            raise self._failed(f"ended by itself with code {self._child.returncode}")

    def _spawn(self) -> None:
        open_data_dir(self._data_dir)
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".old.log"))  # one start back is kept, growth is bounded
        lock = self._lock()
        try:
            with open(self.log, "wb", opener=_ours_alone) as log:
                self._child = subprocess.Popen(  # noqa: S603 - the command line is ours
                    tied_to_us(self._argv),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    # Ctrl-C reaches the terminal's foreground group: the server must outlive the workers' shutdown.
                    start_new_session=True,
                    env=self._environment,
                    pass_fds=[lock],
                    umask=0o077,
                )
        finally:
            os.close(lock)

    def _lock(self) -> int:
        """Hold the data directory. The server inherits the lock, so it lasts exactly as long as the server."""
        lock = os.open(self._data_dir / f"{self.name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise BadConfig(
                f"a {self.name} server already runs on {self._data_dir}; stop it, or set KIMP_LOCAL__DATA_DIR"
            ) from None
        return lock

    async def _until(self, ready: Callable[[], Awaitable[bool]]) -> None:
        while True:
            if not self.running:
                raise self._failed("ended while starting")
            if await ready():
                return
            await asyncio.sleep(POLL_S)

    def _failed(self, what: str) -> ServerFailed | BadConfig:
        message = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        kind = BadConfig if self.exit_code == REFUSED_ITS_INPUT else ServerFailed
        last = message[-1].removeprefix("kimp: ")[:300] if message else "it said nothing"
        return kind(f"the {self.name} server {what}: {last} ({self.log})")


class OwnServer(ABC):
    """A server of one process, which serves while the context is entered. Those that inherit say when it serves."""

    def __init__(self, process: ServerProcess) -> None:
        self._process = process

    @property
    def running(self) -> bool:
        return self._process.running

    @property
    def pid(self) -> int | None:
        return self._process.pid

    async def start(self) -> None:
        """Returns when it serves; after a kill it does so again. Raises as `ServerProcess.start` does."""
        await self._process.start(self._serves, START_S)

    async def stop(self) -> None:
        await self._process.stop()

    def check(self) -> None:
        """Raises ServerFailed when it ended by itself."""
        self._process.check()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    @abstractmethod
    async def _serves(self) -> bool: ...


def _ours_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


async def _end(child: subprocess.Popen[bytes], grace_s: int) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    for _ in range(int(grace_s / POLL_S)):
        if child.poll() is not None:
            return
        await asyncio.sleep(POLL_S)
