"""Faults inside of processes: `seam/sitecustomize.py` reads what is written here."""

from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from redis.asyncio import Redis

CODE = Path(__file__).with_name("seam")
NOBODY = ("127.0.0.1", 1)


class Seam:
    def __init__(self, folder: Path, environment: MutableMapping[str, str]) -> None:
        """`environment`: of the processes that shall have it, before they start."""
        folder.mkdir()
        self._folder = folder
        environment.update(CHAOS_SEAM=str(folder), PYTHONPATH=str(CODE))

    @contextmanager
    def clock(self, pid: int, step_s: int) -> Iterator[None]:
        """The wall clock of that process is off meanwhile."""
        file = self._folder / f"clock-{pid}"
        file.write_text(str(step_s))
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    @contextmanager
    def sqlite_is_read_only(self) -> Iterator[None]:
        """For all of them."""
        file = self._folder / "read-only"
        file.touch()
        try:
            yield
        finally:
            file.unlink(missing_ok=True)


@asynccontextmanager
async def replica(url: str) -> AsyncIterator[None]:
    """A Redis follows nobody who answers: it gives what it has, and takes nothing."""
    async with Redis.from_url(url) as server:
        await server.replicaof(*NOBODY)
        try:
            yield
        finally:
            await server.replicaof("NO", "ONE")
