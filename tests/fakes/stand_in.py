"""A paper exchange in the place of the venues' public hosts, and every request that it sees."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.typedefs import Handler

from kimp.paper.config import PaperConfig
from kimp.paper.server import PaperExchange

SIGNS = {"authorization", "x-mbx-apikey"}


@dataclass
class StandIn:
    """The public venues."""

    exchange: PaperExchange
    requests: list[str] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(request.path)
        if SIGNS & {name.lower() for name in request.headers} or "signature" in request.query:
            self.signed.append(request.path)
        return await handler(request)

    @property
    def hosts(self) -> dict[str, str]:
        """Environment variables by which kimp finds it."""
        upbit, binance = (f"127.0.0.1:{port}" for port in (self.exchange.upbit_port, self.exchange.binance_port))
        return {
            "KIMP_UPBIT__PUBLIC_REST_URL": f"http://{upbit}",
            "KIMP_UPBIT__PUBLIC_WS_URL": f"ws://{upbit}/websocket/v1",
            "KIMP_BINANCE__PUBLIC_REST_URL": f"http://{binance}",
            "KIMP_BINANCE__PUBLIC_WS_URL": f"ws://{binance}",
        }


@asynccontextmanager
async def stand_in(config: PaperConfig) -> AsyncIterator[StandIn]:
    async with PaperExchange(config) as exchange:
        venues = StandIn(exchange)
        exchange.upbit_seam.hook = exchange.binance_seam.hook = venues
        yield venues
