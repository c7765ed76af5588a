"""Commands that run one of kimp's processes until Ctrl-C or SIGTERM."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from kimp.cli.app import run
from kimp.config import Settings, load
from kimp.observability.logs import configure_logging


async def until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run a service; the first SIGINT or SIGTERM cancels it, and its own clean-up ends it.

    So does the end of its terminal, unless somebody asked that it be outlived (nohup).
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def run_service(name: str, work: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run one of kimp's processes with its settings and its log."""
    settings = load()
    configure_logging(name, settings.observability.log_format, settings.observability.log_level)
    run(until_signalled(work(settings)))
