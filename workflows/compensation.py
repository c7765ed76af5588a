"""Undoing a cycle: position after position, latest first, until only cash at home is left."""

from datetime import datetime, timedelta
from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from activities.transfers import TransferActivities
    from kimp.contracts.cycle import WaysBackQuery
    from kimp.contracts.progress import Progress
    from kimp.contracts.transfers import TransferRequest
    from kimp.domain.compensation import DUST_KRW, Position, WaysBack, debts, positions
    from kimp.domain.ids import Leg
    from kimp.domain.ledger import Holder, value_krw
    from kimp.domain.market import Side
    from kimp.domain.money import ZERO, Asset
    from kimp.domain.sizing import cash_of
    from kimp.domain.venues import Direction, Venue

from workflows.buying import BuyBack, RouteBuy
from workflows.execution import Execution, TradeStep
from workflows.late_order import book_late_order
from workflows.policies import MARKET, PREPARE
from workflows.rebalancing import await_route
from workflows.steps import NeedsPerson, StepFailed, until_answered
from workflows.tracker import CycleTracker, as_time
from workflows.transfer import Transfer

ASKS_THE_NETWORK_FEE = "the-way-back-of-sold-stock-asks-its-fee"
"""Cycles that were undone before there was such a thing go by what the way took when they opened."""


class Compensation:
    """May be run again after it failed: what is left to do follows from what the books say is held."""

    def __init__(self, tracker: CycleTracker, sent: list[Transfer]) -> None:
        """`sent`: the cycle's transfers so far, registered before they began; those of the undoing join them."""
        self._tracker = tracker
        self._home = tracker.cycle.direction.source
        self._way_home = tracker.cycle.direction.opposite
        self._transfers = sent
        self.dust: dict[tuple[Holder, Asset], Decimal] = {}
        """Too little to trade or to send: it stays where it is and is valued in the result. Below zero: too little to
        buy back."""
        self.abroad_since: datetime | None = None
        """When the present cash abroad was first to go home."""
        self.travel: Decimal | None = None
        """Of leg one's coins, where they were sold at the instant they were bought: so many did their way take."""
        self._goes_on = False
        self._pause: timedelta | None = None

    def restore(self, so_far: Progress) -> None:
        """Where an earlier run of the workflow stopped."""
        self.dust = {(one.account, one.asset): one.amount for one in so_far.dust}
        self.abroad_since = as_time(so_far.abroad_since_ms)
        self._goes_on = True

    async def run(self) -> None:
        """Raises StepFailed or NeedsPerson; the cycle is parked then."""
        if not self._goes_on:
            self.abroad_since = None
        self._goes_on = False
        if self._tracker.unanswered is not None:
            self._tracker.absent.append(self._tracker.unanswered)
            self._tracker.unanswered = None
        if (pair := self._tracker.unanswered_pair) is not None:
            self._tracker.absent += [pair.buy, pair.sell]
            self._tracker.unanswered_pair = None
        for order in self._tracker.absent:
            await book_late_order(self._tracker, order)
        for transfer in reversed(self._transfers):
            await transfer.settle()
        await self._pay_back()
        while (position := self._next()) is not None:
            await self._undo(position)

    async def _pay_back(self) -> None:
        """What the cycle gave away of coins that it did not have."""
        cycle = self._tracker.cycle
        for venue, coin, owed in debts(self._tracker.held, {cycle.coin, *cycle.policy.route_coins}):
            if owed <= -self.dust.get((venue, coin), ZERO):
                continue
            lacking = owed
            if coin == cycle.coin and venue is cycle.direction.destination:
                lacking = await self._send_what_was_sold(venue, coin, owed)
            if lacking > ZERO:
                self._tracker.report(f"given away and never owned: {lacking:f} {coin} on {venue}")
                await BuyBack(self._tracker, TradeStep(Leg.BACK, venue, coin, Side.BUY), lacking).run()

    async def _send_what_was_sold(self, venue: Venue, coin: Asset, lacking: Decimal) -> Decimal:
        """Coins that were bought for it pay what was sold of the stock, at no price's mercy; how many still lack.

        What one side traded beyond that is closed before they leave. Where they can't be sent, all is bought back.
        """
        source = self._way_home.pair.other(venue)
        held = self._tracker.held.get((source, coin), ZERO)
        asks = held > ZERO and workflow.patched(ASKS_THE_NETWORK_FEE)
        travel = await self._network_fee(coin) if asks else self.travel
        if travel is None or (pays := min(there := held - travel, lacking)) <= ZERO:
            return lacking
        if pays < lacking:
            await BuyBack(self._tracker, TradeStep(Leg.BACK, venue, coin, Side.BUY), lacking - pays).run()
        elif pays < there:
            await Execution(self._tracker, TradeStep(Leg.BACK, source, coin, Side.SELL), there - pays).run()
        try:
            await self._send(coin, pays + travel, self._way_home.pair.way_from(source))
        except StepFailed as refusal:
            self._tracker.report(f"{coin} can't go back to {venue}: {refusal}")
            return max(ZERO, -self._tracker.held.get((venue, coin), ZERO))
        self.leave(venue, coin)
        return ZERO

    async def _network_fee(self, coin: Asset) -> Decimal | None:
        """What leg one's way takes of the coin; None if no terms are to be had, so that nothing can be sent."""
        way = self._tracker.cycle.direction
        try:
            terms = await until_answered(
                self._tracker,
                PREPARE,
                TransferActivities.prepare_transfer,
                TransferRequest(cycle_id=self._tracker.cycle.cycle_id, coin=coin, direction=way),
                summary=f"network fee of {coin}, {way.source} to {way.destination}",
            )
        except StepFailed as refusal:
            self._tracker.report(f"{coin} can't go to {way.destination}: {refusal}")
            return None
        return terms.out.withdraw_fee

    def _next(self) -> Position | None:
        for position in positions(self._tracker.held, self._home):
            if position.amount > self.dust.get((position.account, position.asset), ZERO):
                return position
        return None

    async def _undo(self, position: Position) -> None:
        if position.venue is None:
            raise NeedsPerson(f"{position}, and nobody knows where; write it off once that is clear")
        if position.asset == position.venue.cash:
            await self._bring_home(position, position.venue)
        elif await self._leaves(position, position.venue):
            await self._send(position.asset, position.amount, self._way_home.pair.way_from(position.venue))
        else:
            await Execution(
                self._tracker, TradeStep(Leg.BACK, position.venue, position.asset, Side.SELL), position.amount
            ).run()
            self.leave(position.account, position.asset)

    async def _leaves(self, position: Position, venue: Venue) -> bool:
        """Whether it is to be sold on the other venue: where this one refuses to, else where that brings more."""
        other = self._way_home.pair.other(venue)
        if (other, position.asset) in self._tracker.refused:
            return False
        if (venue, position.asset) in self._tracker.refused:
            self._tracker.report(f"{position} goes to {other}: the account may not sell it on {venue}")
            return True
        return venue is not self._home and (await self._ways_back(position)).send_back

    async def _bring_home(self, position: Position, venue: Venue) -> None:
        """Cash abroad, by the cheapest route."""
        if value_krw({(position.account, position.asset): position.amount}, self._tracker.krw_per_usdt, {}) < DUST_KRW:
            return self.leave(position.account, position.asset)
        since = self.abroad_since = self.abroad_since or workflow.now()
        route = await await_route(self._tracker, cash_of(venue, position.amount), since)
        self._tracker.route = route.coin
        if route.coin == venue.cash:
            return await self._send(route.coin, position.amount, self._way_home)
        buy = RouteBuy(self._tracker, TradeStep(Leg.BACK, venue, route.coin, Side.BUY), position.amount, self._pause)
        await buy.run()
        self._pause = buy.pause
        return None if buy.given_up else await self._send(route.coin, buy.coins, self._way_home)

    async def _send(self, coin: Asset, amount: Decimal, way: Direction) -> None:
        self.abroad_since = self._pause = None
        transfer = Transfer(self._tracker, Leg.BACK, coin, way, amount)
        self._transfers.append(transfer)
        await transfer.run()

    async def _ways_back(self, position: Position) -> WaysBack:
        policy = self._tracker.cycle.policy
        return await until_answered(
            self._tracker,
            MARKET,
            MarketActivities.find_ways_back,
            WaysBackQuery(
                cycle_id=self._tracker.cycle.cycle_id,
                direction=self._way_home,
                coin=position.asset,
                amount=position.amount,
                coins=self._tracker.route_coins,
                max_quote_age_ms=policy.max_quote_age_ms,
            ),
            summary=f"send {position} back, or sell there",
        )

    def leave(self, account: Holder, asset: Asset) -> None:
        """What could not be traded any further stays."""
        self.dust[account, asset] = self._tracker.held.get((account, asset), ZERO)
