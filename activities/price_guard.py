"""The venues' own prices beside those of the message that wants to open a cycle.

They are read while the journal is written, so that the first order waits little for them.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from temporalio import activity

from kimp.contracts.orders import Opening, OrderIntent
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import KimpError
from kimp.domain.gates import Blocked, Gate
from kimp.domain.market import Quote, Quotes
from kimp.domain.money import CONTEXT, USDT, Asset, Money
from kimp.domain.own_prices import MessagePrices, MessageSale, PriceBounds, books_needed, check_message_prices
from kimp.domain.venues import Pair, Venue
from kimp.observability import metrics
from kimp.ports.clock import SteadyClock
from kimp.ports.controls import Controls
from kimp.ports.exchange import MarketData

KEEP_MS = 1_000
"""A reading that began longer ago is taken anew."""
WITHIN_S = 2.0
"""An order that waits longer has expired, or stalled."""
REFUSALS, LASTING_MS = 3, 30_000
"""So many openings in a row that are not what the venues say, over so long: somebody writes to the bus, or the feeder
is wrong. A market that moves more than the band between a quote and its check refuses some openings as well, but not
every one for ten times as long as any quote is traded on.
"""


@dataclass(frozen=True, slots=True)
class _Reading:
    began_ms: int
    books: asyncio.Task[Quotes]


class PriceGuard:
    """One per process that sends orders."""

    def __init__(
        self, venues: Mapping[Venue, MarketData], controls: Controls, clock: SteadyClock, bounds: PriceBounds
    ) -> None:
        self.bounds = bounds
        self._venues = venues
        self._pair = Pair.of(venues.keys())
        self._controls = controls
        self._clock = clock
        self._readings: dict[Asset, _Reading] = {}
        self._refused: list[int] = []
        """When, by the steady clock, since one was believed."""

    def begin(self, coin: Asset) -> None:
        """Read the coin's prices from both venues at once, unless that was just begun."""
        last = self._readings.get(coin)
        if last is None or self._clock.steady_ms() - last.began_ms > KEEP_MS:
            task = asyncio.create_task(self._read(coin))
            task.add_done_callback(_retrieve_error)
            self._readings[coin] = _Reading(self._clock.steady_ms(), task)

    async def refusal(self, intent: OrderIntent, opening: Opening, sale: OrderIntent | None = None) -> Blocked | None:
        """Why this cycle must not be opened, or None. `sale`: what is sold at the same instant."""
        self.begin(intent.coin)
        try:
            async with asyncio.timeout(WITHIN_S):
                own = await asyncio.shield(self._readings[intent.coin].books)
        except (KimpError, TimeoutError) as error:
            del self._readings[intent.coin]
            return self._count(Blocked(Gate.OWN_PRICES_MISSING, f"{error}" or "the venues took too long to tell them"))
        blocked = check_message_prices(_message_prices(intent, opening, sale), self._pair, own, self.bounds)
        if blocked is None:
            self._refused.clear()
            return None
        self._count(blocked)
        if blocked.gate is not Gate.OWN_PRICES_MISSING:
            await self._latch(blocked)
        return blocked

    async def _latch(self, blocked: Blocked) -> None:
        self._refused.append(self._clock.steady_ms())
        if len(self._refused) >= REFUSALS and self._refused[-1] - self._refused[0] >= LASTING_MS:
            reason = (
                f"none of {len(self._refused)} cycles in a row was what the venues say; "
                f"{blocked.gate}: {blocked.detail}"
            )
            self._refused.clear()
            activity.logger.error("%s; no new cycles until `kimp resume`", reason)
            await self._controls.halt_at_least(HaltLevel.NO_NEW_CYCLES, reason)

    def _count(self, blocked: Blocked) -> Blocked:
        metrics.price_refusals.add(1, {"gate": blocked.gate})
        activity.logger.error("nothing is bought; %s: %s", blocked.gate, blocked.detail)
        return blocked

    async def _read(self, coin: Asset) -> Quotes:
        wanted = books_needed(self._pair, coin)
        results = await asyncio.gather(*(self._tops(venue, coins) for venue, coins in wanted.items()))
        return {(quote.venue, quote.coin): quote for quotes in results for quote in quotes}

    async def _tops(self, venue: Venue, coins: Sequence[Asset]) -> Sequence[Quote]:
        return list((await self._venues[venue].tops(coins)).values())


def _retrieve_error(reading: asyncio.Task[Quotes]) -> None:
    """One that nobody came to use must not complain that nobody asked how it ended."""
    if not reading.cancelled():
        reading.exception()


def _message_prices(intent: OrderIntent, opening: Opening, sale: OrderIntent | None) -> MessagePrices:
    cost = CONTEXT.multiply(intent.limit_price, intent.quantity)
    return MessagePrices(
        venue=intent.venue,
        coin=intent.coin,
        limit_price=intent.limit_price,
        quantity=intent.quantity,
        cost=Money(max(cost, opening.reserve.amount), intent.venue.cash),
        stake_krw=Decimal(opening.stake_krw),
        krw_per_usdt=opening.krw_per_usdt or (intent.krw_per_cash if intent.venue.cash == USDT else None),
        premium=opening.premium,
        sale=None if sale is None else MessageSale(sale.venue, sale.limit_price, sale.quantity),
    )
