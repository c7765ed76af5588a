"""What a cycle's movements are worth in won: what the caps on losses count, and what people read."""

from collections.abc import Iterable
from decimal import Decimal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from kimp.contracts.cycle import QuoteQuery
    from kimp.contracts.progress import FeesElsewhere, Price, TrackedSoFar
    from kimp.domain.depth import average
    from kimp.domain.ledger import Entry, Held, Holder, fees_elsewhere_krw, value_krw
    from kimp.domain.market import Side
    from kimp.domain.money import ZERO, Asset, Money, exact
    from kimp.domain.venues import Venue
    from kimp.domain.won import CASH, in_won

from workflows.policies import LAST_PRICE

VALUES_ALL = "all-that-is-left-is-valued"
"""Cycles that ended before there was such a thing counted nothing for what had no price."""


class Valuation:
    """The prices that the cycle has seen, and a bound on fees for those that it can't see."""

    def __init__(self) -> None:
        self._prices: dict[tuple[Venue, Asset], Decimal] = {}
        self._fees_at_most: dict[Asset, Decimal] = {}
        """In won, of fees in an asset that the trade was not for."""

    def mark(self, venue: Venue, coin: Asset, price: Decimal) -> None:
        """Remember a price, to value what lots and fees leave over."""
        self._prices[venue, coin] = price

    @exact
    def count_fees(self, entries: Iterable[Entry], krw_per_usdt: Decimal) -> None:
        """Of what was just booked."""
        for asset, krw in fees_elsewhere_krw(entries, krw_per_usdt).items():
            self._fees_at_most[asset] = self._fees_at_most.get(asset, ZERO) + krw

    @property
    def prices(self) -> tuple[Price, ...]:
        """For the next run of the workflow."""
        return tuple(Price(venue=venue, coin=coin, price=price) for (venue, coin), price in self._prices.items())

    @property
    def fees_elsewhere(self) -> tuple[FeesElsewhere, ...]:
        """For the next run of the workflow."""
        return tuple(FeesElsewhere(asset=asset, most_krw=krw) for asset, krw in self._fees_at_most.items())

    def restore(self, reported: TrackedSoFar) -> None:
        """With what an earlier run of the workflow knew."""
        self._prices = {(one.venue, one.coin): one.price for one in reported.prices}
        self._fees_at_most = {one.asset: one.most_krw for one in reported.fees_elsewhere}

    async def result_krw(self, cycle_id: str, held: Held, krw_per_usdt: Decimal) -> tuple[Decimal, str | None]:
        """And what is uncertain about it: a cycle must be able to end while the market can't be read."""
        unpriced = self._unpriced(held)
        if not unpriced or not workflow.patched(VALUES_ALL):
            return self._worth(held, krw_per_usdt, frozenset()), None
        why = {key: await self._look_up(cycle_id, *key, amount) for key, amount in unpriced.items()}
        still = self._unpriced(held)
        doubts = [self._doubt(*key, amount, why[key]) for key, amount in still.items()]
        owed = frozenset(asset for (_, asset), amount in still.items() if amount < ZERO)
        return self._worth(held, krw_per_usdt, owed), "; ".join(doubts) or None

    def _unpriced(self, held: Held) -> dict[tuple[Holder, Asset], Decimal]:
        known = CASH | {coin for _, coin in self._prices}
        return {key: amount for key, amount in held.items() if key[1] not in known}

    async def _look_up(self, cycle_id: str, account: Holder, asset: Asset, amount: Decimal) -> str:
        """What is owed costs the asks that it takes, the rest brings the bids. Why there is no price, if so."""
        if not isinstance(account, Venue):
            return "in transit"
        try:
            now = await LAST_PRICE.call(
                MarketActivities.read_market,
                QuoteQuery(cycle_id=cycle_id, venue=account, coin=asset),
                summary=f"{asset} on {account}, to value {amount:f} of it",
            )
        except ActivityError as failure:
            return str(failure.cause or failure)
        self.mark(account, asset, average(now.quote, Side.BUY if amount < ZERO else Side.SELL, abs(amount)))
        return ""

    def _doubt(self, account: Holder, asset: Asset, amount: Decimal, why: str) -> str:
        counted = "nothing is counted for it"
        if amount < ZERO and asset in self._fees_at_most:
            counted = f"{self._fees_at_most[asset]:,.0f} KRW are counted for it, the most that such fees can be"
        return f"{amount:+f} {asset} on {account} has no price ({why}): {counted}"

    @exact
    def _worth(self, held: Held, krw_per_usdt: Decimal, owed: frozenset[Asset]) -> Decimal:
        """`owed`: without a price; their bound is taken off."""
        prices = {
            coin: in_won(Money(price, venue.cash), krw_per_usdt)
            for (venue, coin), price in self._prices.items()
            if coin not in CASH
        }
        priced = {key: amount for key, amount in held.items() if key[1] in CASH or key[1] in prices}
        fees = sum((self._fees_at_most.get(asset, ZERO) for asset in owed), ZERO)
        return value_krw(priced, krw_per_usdt, prices) - fees
