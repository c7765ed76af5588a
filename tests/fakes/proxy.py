"""A TCP proxy that can be told to break, in front of Redis, MySQL or Temporal."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 65_536


class FaultProxy:
    """Passes everything through until told otherwise. `async with FaultProxy(0, "127.0.0.1", 6379) as proxy: ...`

    Listen port 0 takes a free one, which is then in `listen_port`. All methods belong to the loop it was started on.
    """

    def __init__(self, listen_port: int, target_host: str, target_port: int, host: str = "127.0.0.1") -> None:
        self.listen_port = listen_port
        self.delay_s = 0.0
        """Each chunk of bytes is held for so long, in both directions."""
        self._host = host
        self._target = target_host, target_port
        self._server: asyncio.Server | None = None
        self._pipes: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._to_drop = 0

    async def start(self) -> None:
        """Raises OSError if the port is taken."""
        self._server = await asyncio.start_server(self._accept, self._host, self.listen_port)
        self.listen_port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        await self._refuse()
        tasks = list(self._pipes)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def cut(self) -> None:
        """Reset all connections and refuse new ones."""
        await self._refuse()
        self._reset_all()

    def freeze(self) -> None:
        """Connections stay and new ones are taken, but no byte passes."""
        self._flowing.clear()

    async def heal(self) -> None:
        """Like new: listening again, what was held back by a freeze goes on, nothing is delayed or dropped."""
        self.delay_s, self._to_drop = 0.0, 0
        self._flowing.set()
        if self._server is None:
            await self.start()

    def drop_next(self, connections: int) -> None:
        """Reset the next ones the moment they are taken."""
        self._to_drop = connections

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _refuse(self) -> None:
        """Close the listener. Not `wait_closed`: it would wait for the connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.sleep(0)

    def _reset_all(self) -> None:
        for writers in self._pipes.values():
            for writer in writers:
                writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("called outside of a task")
        self._pipes[task] = (writer,)
        try:
            await self._serve(task, reader, writer)
        except (OSError, asyncio.CancelledError):
            # Cancelled by `stop` alone. On Python 3.11 asyncio prints a traceback for a handler that ends cancelled.
            pass
        finally:
            for open_writer in self._pipes.pop(task):
                open_writer.transport.abort()

    async def _serve(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._to_drop > 0:
            self._to_drop -= 1
            return
        await self._flowing.wait()
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._pipes[task] = (writer, far_writer)
        async with asyncio.TaskGroup() as directions:
            directions.create_task(self._pass(reader, far_writer))
            directions.create_task(self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side ends or resets; the end is passed on too."""
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                if self.delay_s > 0:
                    await asyncio.sleep(self.delay_s)
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
            return
        writer.transport.abort()
