"""A server of the run's own that can be killed, and finds its files again."""

from abc import ABC, abstractmethod
from types import TracebackType

from kimp.adapters.embedded.process import ServerProcess

START_S = 60


class Restartable(ABC):
    """Around one process. Those that inherit enter it, as each makes its files in a way of its own."""

    def __init__(self, process: ServerProcess) -> None:
        self._process = process

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._process.stop()

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.running

    async def start(self) -> None:
        """Also after a kill."""
        await self._process.start(self._answers, START_S)

    @abstractmethod
    async def _answers(self) -> bool: ...
