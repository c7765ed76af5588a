"""Upbit's listener."""

from aiohttp import web
from aiohttp.typedefs import Middleware

from kimp.domain.venues import Venue
from kimp.paper.seam import Seam
from kimp.paper.upbit.auth import Authenticator
from kimp.paper.upbit.gateway import ApiGateway
from kimp.paper.upbit.rest_market import MarketCalls
from kimp.paper.upbit.rest_orders import OrderCalls
from kimp.paper.upbit.rest_wallet import WalletCalls
from kimp.paper.upbit.stream import Streams
from kimp.paper.world import World


def make_app(world: World, seam: Seam, *more: Middleware) -> web.Application:
    app = web.Application(middlewares=[seam.middleware, *more])
    gatekeeper = Authenticator(world.keys[Venue.UPBIT], world.clock)
    gate = ApiGateway(world, gatekeeper, app)
    for calls in (MarketCalls(world), OrderCalls(world), WalletCalls(world)):
        calls.bind(gate)
    streams = Streams(world)
    app.router.add_get("/websocket/v1", streams.serve)

    async def close_streams(_app: web.Application) -> None:
        for socket in list(streams.open):
            await socket.close(code=1001)

    app.on_shutdown.append(close_streams)
    return app
