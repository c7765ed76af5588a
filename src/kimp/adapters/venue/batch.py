"""Many callers ask for one row each; a venue that counts requests is asked for many rows at once."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Batched(Generic[T]):
    """Keys asked for while a reading is under way share the next one, so each answer was read after its question."""

    def __init__(self, read: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]], most: int) -> None:
        self._read = read
        self._most = most
        self._waiting: dict[str, asyncio.Future[T | None]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def get(self, key: str) -> T | None:
        """None if the venue does not list it. Raises what the reading raised."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._serve())
        # Shielded: whoever gives up must not take the answer from the others.
        return await asyncio.shield(answer)

    async def _serve(self) -> None:
        while self._waiting:
            asked = {key: self._waiting.pop(key) for key in list(self._waiting)[: self._most]}
            try:
                found = await self._read(list(asked))
            except Exception as failure:  # noqa: BLE001 - it belongs to those who asked
                for answer in asked.values():
                    answer.set_exception(failure)
                    answer.exception()  # counts as seen even if nobody waits any more
            except asyncio.CancelledError:
                for answer in (*asked.values(), *self._waiting.values()):
                    answer.cancel()
                self._waiting.clear()
                raise
            else:
                for key, answer in asked.items():
                    answer.set_result(found.get(key))
