"""Binance's listener."""

from aiohttp import web
from aiohttp.typedefs import Middleware

from kimp.domain.venues import Venue
from kimp.paper.binance.auth import Authenticator
from kimp.paper.binance.gateway import ApiGateway
from kimp.paper.binance.rest_market import MarketCalls
from kimp.paper.binance.rest_orders import OrderCalls
from kimp.paper.binance.rest_wallet import WalletCalls
from kimp.paper.binance.stream import Streams
from kimp.paper.seam import Seam
from kimp.paper.world import World


def make_app(world: World, seam: Seam, *more: Middleware) -> web.Application:
    app = web.Application(middlewares=[seam.middleware, *more])
    gatekeeper = Authenticator(world.keys[Venue.BINANCE], world.clock)
    gate = ApiGateway(world, gatekeeper, app)
    for calls in (MarketCalls(world), OrderCalls(world), WalletCalls(world)):
        calls.bind(gate)
    streams = Streams(world)
    app.router.add_get("/stream", streams.combined)
    app.router.add_get("/ws", streams.raw)
    app.router.add_get("/ws/{names:.+}", streams.raw)

    async def close_streams(_app: web.Application) -> None:
        for connection in tuple(streams.open):
            await connection.announce_shutdown()

    app.on_shutdown.append(close_streams)
    return app
