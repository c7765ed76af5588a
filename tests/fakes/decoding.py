"""The codec server in this process, on a port of its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from kimp.adapters.embedded.process import free_port
from kimp.bootstrap.codec_server import run_codec_server
from kimp.config import Settings


@asynccontextmanager
async def serving(history: Mapping[str, Any], server: Mapping[str, Any], scheme: str = "http") -> AsyncIterator[str]:
    """The codec server with these `[history]` and `[codec_server]` settings; its URL."""
    port = free_port()
    settings = Settings.model_validate({"history": history, "codec_server": {"port": port, **server}})
    task = asyncio.create_task(run_codec_server(settings))
    try:
        while not await _listens(port):
            assert not task.done(), task.exception()
        yield f"{scheme}://127.0.0.1:{port}"
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _listens(port: int) -> bool:
    await asyncio.sleep(0.01)
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
