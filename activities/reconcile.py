"""The ledger beside the venues' own balances, whenever nothing is under way."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from temporalio import activity

from activities.orders import FENCE_MS
from activities.own_rate import own_krw_per_usdt
from kimp.contracts.sweep import SWEEP, Reconciled, SweepQuery
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import VenueError
from kimp.domain.ledger import RECONCILED, Held, Holder, unexplained_differences, unexplained_entry, value_krw
from kimp.domain.money import Asset
from kimp.domain.own_prices import PriceBounds
from kimp.domain.venues import Pair, Venue
from kimp.domain.won import CASH
from kimp.observability.crash_points import crash_point
from kimp.ports.clock import Clock
from kimp.ports.controls import Controls
from kimp.ports.exchange import MarketData
from kimp.ports.journal import UnfinishedCycles
from kimp.ports.ledger import Ledger
from kimp.ports.settings import TradingRules

SURFACES_MS = 3 * FENCE_MS
"""From its intent on: a venue that executes an order later than this is beyond what anybody has reported."""


@dataclass(frozen=True)
class ReconcileActivities:
    """Reads balances; books what nobody can explain, and stops trading when it is much."""

    venues: Mapping[Venue, MarketData]
    ledger: Ledger
    unfinished_cycles: UnfinishedCycles
    controls: Controls
    clock: Clock
    rules: TradingRules
    bounds: PriceBounds

    @activity.defn
    async def reconcile_balances(self, query: SweepQuery) -> Reconciled:
        """Manual trades, deposits from outside, and what a venue did against its own word."""
        del query
        differences, unknown = await self._differences()
        if unknown:
            activity.logger.warning("the venues' answers do not tell what they hold of %s: not compared", unknown)
        if not differences:
            return Reconciled(unknown=unknown)
        entry = unexplained_entry(f"{RECONCILED}{self.clock.now_ms()}", differences)
        crash_point("difference-found", SWEEP)
        await self.ledger.book([entry])
        crash_point("difference-booked", SWEEP)
        reported = tuple(f"{amount:+f} {asset} on {account}" for (account, asset), amount in differences.items())
        activity.logger.error("the venues hold what the ledger does not know: %s", ", ".join(reported))
        if await self._is_much(differences):
            reason = f"unexplained: {', '.join(reported)}"
            await self.controls.halt_at_least(HaltLevel.NO_NEW_CYCLES, reason)
        return Reconciled(differences=reported, unknown=unknown)

    async def _differences(self) -> tuple[Held, tuple[str, ...]]:
        """And of which coin on which venue nobody knows what is held.

        None while a cycle runs, or began and ended while the balances were read: the ledger lags behind it. Nor before
        every opening balance is booked: until then the ledger knows nothing of the accounts. Nor while an order that
        was given up may surface: what it filled is its cycle's.
        """
        if await self.unfinished_cycles.unfinished() or not await self.ledger.opened() >= self.venues.keys():
            return {}, ()
        if await self.unfinished_cycles.unbooked_orders(SURFACES_MS, 0):
            return {}, ()
        ledger = await self.ledger.balances()
        held: dict[tuple[Holder, Asset], Decimal] = {}
        unknown: set[tuple[Holder, Asset]] = set()
        for venue, exchange in self.venues.items():
            balances = await exchange.balances()
            held |= {(venue, asset): balance.total for asset, balance in balances.items()}
            unknown |= {(venue, asset) for asset in balances.unreadable}
        if await self.unfinished_cycles.unfinished() or await self.ledger.balances() != ledger:
            return {}, ()
        found = {key: amount for key, amount in unexplained_differences(ledger, held).items() if key not in unknown}
        return found, tuple(f"{asset} on {account}" for account, asset in sorted(unknown))

    async def _is_much(self, differences: Held) -> bool:
        """By prices of the venue in won itself, as quotes on the bus may be anybody's. What it does not price may be
        worth anything.
        """
        won = self.venues[Pair.of(self.venues.keys()).won]
        coins = {asset for _, asset in differences} - CASH
        try:
            rate = await own_krw_per_usdt(won, self.bounds)
            bids = {coin: top.bid for coin, top in (await won.tops(sorted(coins))).items()} if coins else {}
        except VenueError as error:
            activity.logger.warning("what is unexplained cannot be valued: %s", error)
            return True
        if coins - bids.keys():
            return True
        each = (value_krw({key: abs(amount)}, rate, bids) for key, amount in differences.items())
        return sum(each) > await self.rules.unexplained_krw()
