"""The paper exchange as a whole: three listeners around one world."""

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Literal, Self

from aiohttp import web

import kimp.paper.binance.app
import kimp.paper.upbit.app
from kimp.domain.errors import BadConfig
from kimp.domain.venues import Venue
from kimp.paper.admin import Admin
from kimp.paper.clock import WallClock
from kimp.paper.config import LiveMarket, PaperConfig
from kimp.paper.market.live import Latency, LiveBooks
from kimp.paper.restoring import KeptWorld
from kimp.paper.seam import Seam

SHUTDOWN_S = 1.0
log = logging.getLogger(__name__)


class PaperExchange:
    """Upbit, Binance and the admin listener. `async with PaperExchange(config) as paper: ...`

    `world.faults` makes things go wrong on request.
    Raises BadMarketData for recorded prices that cannot be replayed.
    """

    def __init__(self, config: PaperConfig, live: LiveBooks | None = None) -> None:
        """`live`: what a live market reads."""
        self.config = config
        self._kept = KeptWorld(config, WallClock(), live)
        self.world = self._kept.world
        self.upbit_seam = Seam(self.world.faults.of_requests(Venue.UPBIT))
        self.binance_seam = Seam(self.world.faults.of_requests(Venue.BINANCE))
        self._closing = AsyncExitStack()
        self.upbit_port = self.binance_port = self.admin_port = 0

    async def start(self) -> None:
        """Returns when all three listeners answer. Raises BadConfig if a port is taken."""
        # Innermost: what a handler changed is kept before any fault holds its answer back.
        before = [] if self._kept.keeping is None else [self._kept.keeping.before_the_answer]
        if isinstance(self.config.market, LiveMarket):
            before.insert(0, Latency(self.config.market.latency_ms).middleware)
        try:
            self.upbit_port = await self._listen(
                kimp.paper.upbit.app.make_app(self.world, self.upbit_seam, *before), "upbit_port"
            )
            self.binance_port = await self._listen(
                kimp.paper.binance.app.make_app(self.world, self.binance_seam, *before), "binance_port"
            )
            self.admin_port = await self._listen(Admin(self.world).app(), "admin_port")
        except BaseException:
            await self.stop()
            raise
        for name, work in (
            ("market", self.world.run_market),
            ("agenda", self.world.agenda.run),
            ("keeping", self._kept.keep_up),
        ):
            task = asyncio.create_task(work(), name=name)
            task.add_done_callback(_report)
            self._closing.push_async_callback(_cancelled, task)

    async def stop(self) -> None:
        await self._closing.aclose()
        self._kept.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _listen(self, app: web.Application, setting: Literal["upbit_port", "binance_port", "admin_port"]) -> int:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        self._closing.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, self.config.host, getattr(self.config, setting)).start()
        except OSError as error:
            raise BadConfig(
                f"paper.{setting}: {error.strerror}; end what listens there, or name another port in"
                f" KIMP_PAPER__{setting.upper()}, which kimp's URLs of the venue follow unless they are set"
            ) from None
        return int(runner.addresses[0][1])


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("the paper exchange's %s stopped: %r", task.get_name(), error)


async def serve(config: PaperConfig) -> None:
    """Run until cancelled."""
    async with PaperExchange(config) as paper:
        log.info(
            "paper exchange: Upbit on port %d, Binance on %d, admin on %d",
            paper.upbit_port,
            paper.binance_port,
            paper.admin_port,
        )
        await asyncio.Event().wait()
