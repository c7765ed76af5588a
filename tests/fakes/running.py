"""A whole kimp that runs in processes of its own, and everything that it says and writes."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from fakes.canaries import Canaries, database, files, histories, redis
from fakes.collector import Collector
from fakes.command import KIMP

from kimp.adapters.embedded.process import free_port
from kimp.bootstrap.parts import bus_url
from kimp.bootstrap.stack import Stack
from kimp.bootstrap.temporal import connect_temporal
from kimp.config import Settings

WITHIN_S = 150


@dataclass
class World:
    """The running system, what it must not tell, and what it has said on terminals."""

    stack: Stack
    canaries: Canaries
    folder: Path
    collector: Collector = field(default_factory=Collector)
    outputs: dict[str, bytes] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    async def kimp(self, *arguments: str, **variables: str) -> str:
        """Run a command with some variables changed, and keep all that it said."""
        child = await asyncio.create_subprocess_exec(
            KIMP,
            *arguments,
            # The processes have their ports already.
            env={**self.stack.environment, "KIMP_OBSERVABILITY__HTTP_PORT": "0", **variables},
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await child.communicate()
        self.outputs[f"output {len(self.outputs)}, `kimp {' '.join(arguments)}`, {', '.join(variables)}"] = output
        return output.decode()

    async def admin(self, name: str, **command: object) -> None:
        port = self.stack.environment["KIMP_PAPER__ADMIN_PORT"]
        async with aiohttp.ClientSession() as session:
            url = f"http://127.0.0.1:{port}/_paper/{name}"
            async with session.post(url, json=command) as response:
                assert response.status == 200, await response.text()

    async def script(self, **fault: object) -> None:
        """Something goes wrong on the paper exchange, a number of times."""
        await self.admin("faults/script", faults=[fault])

    async def written(self) -> dict[str, bytes]:
        """All that this kimp has told anybody."""
        client = await connect_temporal(self.settings)
        sources = self.outputs | files([self.folder])
        sources |= await histories(client)
        sources |= await database(self.settings.sql_url)
        sources |= await redis(bus_url(self.settings))
        sources |= await self.pages()
        sources |= self.collector.written()
        return sources

    async def pages(self) -> dict[str, bytes]:
        """What each process that answers shows at this moment."""
        shown: dict[str, bytes] = {}
        async with aiohttp.ClientSession() as session:
            for process, port in self.stack.pages.items():
                for page in ("metrics", "healthz", "readyz"):
                    with suppress(aiohttp.ClientConnectionError):
                        async with session.get(f"http://127.0.0.1:{port}/{page}") as response:
                            shown[f"page {page} of {process}"] = await response.read()
        return shown

    async def until_a_history_reports(self, *words: str) -> None:
        """Nudge prices, so that cycles go on starting, until one has met what the words say."""

        async def reported() -> bool:
            for number, coin in enumerate(self.settings.trading.coins):
                # Both ways, so that the first withdrawals leave either venue.
                await self.admin("premium", coin=coin, premium="0.02" if number % 2 else "-0.02", seconds=20)
            found = b"\n".join((await histories(await connect_temporal(self.settings))).values())
            return any(word.encode() in found for word in words)

        try:
            await eventually(reported)
        except AssertionError:
            raise AssertionError(f"no history tells of {words}; {await self.kimp('cycles', 'list')}") from None


def free_row(count: int) -> int:
    """The first of so many ports in a row that nothing listens on."""
    for first in iter(free_port, None):
        with ExitStack() as probes:
            try:
                for port in range(first, first + count):
                    probes.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return first
    raise AssertionError("unreachable")


async def eventually(question: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not await question():
        assert time.monotonic() < deadline, "still not true"
        await asyncio.sleep(1)
