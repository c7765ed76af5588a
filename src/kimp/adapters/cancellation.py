"""A cancellation that a driver lost."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def cancellation_kept() -> Iterator[None]:
    """Raise CancelledError at the block's end if its task was cancelled meanwhile and the block went on.

    `asyncio.wait_for` of Python 3.11, which the drivers of MySQL and Redis use, returns the result when a cancellation
    meets the end of the wait (bpo-37658): the loop that asked would then run for ever, and its process would not stop.
    """
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
