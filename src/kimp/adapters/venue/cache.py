"""Readings that a venue changes rarely, kept for a while so that they do not use up its request limits."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """One reading per key, read again after `seconds`. A failed reading keeps nothing and raises."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._readings: dict[Hashable, tuple[float, T]] = {}

    async def get(self, key: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        now = asyncio.get_running_loop().time()
        kept = self._readings.get(key)
        if kept is not None and now - kept[0] < self._seconds:
            return kept[1]
        value = await read()
        self.keep(key, value)
        return value

    def keep(self, key: Hashable, value: T) -> None:
        """Replace the reading by a fresh one that came another way."""
        self._readings[key] = (asyncio.get_running_loop().time(), value)
