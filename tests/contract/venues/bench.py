"""What the venues' contract tests share: one venue under test, the paper exchange behind it, answers in its place."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler
from fakes import intents
from fakes.intents import NEVER
from pydantic import SecretStr

from kimp.adapters.binance.rest import BinanceExchange
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.rest import UpbitExchange
from kimp.config import PAPER_NETWORKS, VenueSettings
from kimp.config.venues import BinanceSettings, UpbitSettings
from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import WithdrawalIntent
from kimp.domain.market import Side
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.paper.seam import Seam
from kimp.paper.server import PaperExchange
from kimp.ports.clock import SteadyClock
from kimp.ports.exchange import Exchange, VenueDeposit, VenueOrder

XRP, SOL, SUI, USDT = Asset("XRP"), Asset("SOL"), Asset("SUI"), Asset("USDT")
KEY, SECRET = {venue: f"paper-{venue}" for venue in PAIR}, {venue: f"paper-{venue}-secret" for venue in PAIR}

"""A deadline beyond every test's end."""


@dataclass
class Bench:
    """One venue under test, the other one, and the paper exchange behind both."""

    venue: Venue
    paper: PaperExchange
    exchanges: dict[Venue, Exchange]

    @property
    def exchange(self) -> Exchange:
        return self.exchanges[self.venue]

    @property
    def other(self) -> Exchange:
        return self.exchanges[PAIR.other(self.venue)]

    @property
    def direction(self) -> Direction:
        """Of coins that leave the venue."""
        return Direction.TO_BINANCE if self.venue is Venue.UPBIT else Direction.TO_UPBIT

    @property
    def seam(self) -> Seam:
        return self.paper.upbit_seam if self.venue is Venue.UPBIT else self.paper.binance_seam

    def journal(self, kind: str, **facts: str) -> list[dict[str, Any]]:
        """The paper exchange's entries of the venue, oldest first."""
        wanted = {"venue": self.venue, **facts}.items()
        return [e for e in self.paper.world.journal.tail(5_000, kind) if all(e.get(k) == v for k, v in wanted)]

    async def intent(self, name: str, quantity: Decimal, price: Decimal, side: Side = Side.BUY) -> OrderIntent:
        return intents.order(
            client_order_id=name,
            venue=self.venue,
            side=side,
            quantity=quantity,
            limit_price=price,
            krw_per_cash=Decimal(1),
            taker_fee=Decimal(1),
        )

    async def settled(self, intent: OrderIntent) -> VenueOrder:
        """Place the order, and look it up until it is closed."""
        order: VenueOrder | None = await self.exchange.place_order(intent, send_by_ms=NEVER)
        async with asyncio.timeout(10):
            while order is None or not order.closed:
                order = await self.exchange.find_order(intent.coin, intent.client_order_id)
        return order

    async def withdrawal(self, amount: str, coin: Asset = XRP, name: str = "XRP-1-1W-1") -> WithdrawalIntent:
        """To the other venue's own address."""
        address = await self.other.deposit_address(coin)
        return intents.withdrawal(
            transfer_id=name,
            coin=coin,
            direction=self.direction,
            amount=Decimal(amount),
            network=PAPER_NETWORKS[coin],
            address=address,
        )

    async def holdings(self) -> dict[Asset, Decimal]:
        """Free and locked together."""
        return {asset: held.total for asset, held in (await self.exchange.balances()).items()}


def settings_of(
    paper: PaperExchange, venue: Venue, *, access: str | None = None, secret: str | None = None
) -> VenueSettings:
    port = paper.upbit_port if venue is Venue.UPBIT else paper.binance_port
    path = "/websocket/v1" if venue is Venue.UPBIT else ""
    kind = UpbitSettings if venue is Venue.UPBIT else BinanceSettings
    return kind(
        rest_url=f"http://127.0.0.1:{port}",
        ws_url=f"ws://127.0.0.1:{port}{path}",
        access_key=SecretStr(access or KEY[venue]),
        secret_key=SecretStr(secret or SECRET[venue]),
        networks=PAPER_NETWORKS,
    )


def adapter(settings: VenueSettings, venue: Venue, clock: SteadyClock | None = None) -> Exchange:
    kind = UpbitExchange if venue is Venue.UPBIT else BinanceExchange
    return kind(settings, clock or SystemClock(), lambda: settings.single)


class Answering:
    """A hook that answers, instead of the venue or after it has executed, and counts what came."""

    def __init__(
        self, status: int, body: str, headers: dict[str, str] | None = None, *, executed: bool = False
    ) -> None:
        self._answer = (status, body, headers or {})
        self._executed = executed
        self.seen: list[str] = []

    def _response(self) -> web.Response:
        status, body, headers = self._answer
        return web.Response(status=status, text=body, headers=headers)

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.path}")
        if self._executed:
            await handler(request)
        return self._response()


class Silence:
    """A hook that lets the venue execute, and cuts the connection instead of answering."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.seen.append(f"{request.method} {request.path}")
        response = await handler(request)
        if request.transport is not None:
            request.transport.abort()
        return response


T = TypeVar("T")


async def eventually(question: Callable[[], Awaitable[T | None]], within_s: float = 20.0) -> T:
    """Ask again until the answer is true."""
    deadline = time.monotonic() + within_s
    while not (answer := await question()):
        assert time.monotonic() < deadline, "still not true"
        await asyncio.sleep(0.02)
    return answer


async def first_deposit(bench: Bench, coin: Asset, txid: str) -> VenueDeposit | None:
    """What the other venue lists under a txid that no other withdrawal shares."""
    return next(iter(await bench.other.deposits(coin, txid)), None)
