"""Leg one at once: bought here and sold there, and what one side traded more is closed before anything else."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NoReturn

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from activities.orders import OrderActivities
    from kimp.contracts.cycle import QuoteQuery
    from kimp.contracts.orders import OrderIntent, OrderOutcome, OrderPair, OrderReport
    from kimp.domain.compensation import loss_bound
    from kimp.domain.difference import BothSides, Closing, came_to_nothing, closings, too_little
    from kimp.domain.ids import Leg
    from kimp.domain.legs import Market
    from kimp.domain.money import ZERO, Money, exact, round_down
    from kimp.domain.reasons import Reason, ReasonKind
    from kimp.domain.sizing import cash_of
    from kimp.domain.venues import Venue
    from kimp.domain.wording import exactly

from workflows.continuing import continue_as_new_if_long
from workflows.execution import TRIES, Execution, TradeStep, why_not_filled
from workflows.policies import BOOK_NOW, ORDER
from workflows.steps import LOOK_AGAIN, NeedsPerson, look_again, proves_nothing, until_answered
from workflows.tracker import CycleTracker

WITHIN_S = 60
"""Over this time the loss bound of a closing is raised to its last value."""
SMALLEST = Decimal("1E-8")
"""Of cash: what is told by a price that was itself a quotient is no more exact."""
SOON = timedelta(seconds=2)
"""For the books to move."""


class PairTrade:
    """Both orders of leg one and their closings. Keeps its progress in its two executions, net of what was closed."""

    def __init__(self, tracker: CycleTracker, buy: Execution, sale: Execution, travel: Decimal, lot: Decimal) -> None:
        """`travel`: coins that the way takes. `lot`: the larger one of both markets: less than that is no order."""
        self._tracker = tracker
        self.buy = buy
        self.sale = sale
        self._travel = travel
        self._lot = lot
        self._since: datetime | None = None
        self._fruitless = 0
        self._foreign = ""

    @property
    def begun(self) -> bool:
        """Both outcomes are known, and something was traded."""
        return self.buy.done

    @property
    @exact
    def spent(self) -> Money:
        """On the coins that go on. What a closing has lost is lost: no way home has to make up for it."""
        spent = self.buy.coins * (self.buy.traded_at or ZERO)
        return cash_of(self.buy.place.venue, round_down(spent, SMALLEST))

    @property
    def proceeds(self) -> Money:
        return cash_of(self.sale.place.venue, self.sale.cash)

    @property
    def _both(self) -> BothSides:
        return BothSides(
            direction=self._tracker.cycle.direction,
            travel=self._travel,
            bought=self.buy.coins,
            sold=self.sale.coins,
            bought_at=self.buy.traded_at or ZERO,
            sold_at=self.sale.traded_at or ZERO,
        )

    async def ask(self, pair: OrderPair) -> Reason | None:
        """Have both carried out, once, however long that takes. Why nothing was traded, or None."""
        buy, sell = pair.buy, pair.sell
        self._tracker.unanswered_pair = pair
        report = await until_answered(
            self._tracker,
            ORDER,
            OrderActivities.execute_pair,
            pair,
            summary=f"buy {exactly(buy.quantity)} {buy.coin} on {buy.venue}, at most {exactly(buy.limit_price)},"
            f" sell {exactly(sell.quantity)} on {sell.venue}, at least {exactly(sell.limit_price)}",
            refusal=proves_nothing,
        )
        self._tracker.unanswered_pair = None
        for execution, intent, reported in ((self.buy, buy, report.buy), (self.sale, sell, report.sell)):
            await execution.take_in(intent, reported)
            execution.record_price()
            self._remember(intent.venue, reported)
            if reported.outcome is OrderOutcome.FOREIGN:
                self._foreign = reported.reason
        self.buy.done = self.sale.done = bool(report.buy.fills or report.sell.fills)
        if self.begun:
            return None
        if self._foreign:
            raise NeedsPerson(self._foreign)
        return Reason(f"{why_not_filled(report.buy)}; {why_not_filled(report.sell)}", self.kind)

    @property
    def kind(self) -> ReasonKind:
        """Of what leg one came to, if that is nothing: whether a market refused either order."""
        refused = self._tracker.rejected_coin == self._tracker.cycle.coin
        return ReasonKind.MARKET_REFUSED if refused else ReasonKind.OTHER

    async def close(self) -> bool:
        """Until what is open is below the least order of both venues; False if nothing is left to go on with.

        No request to stop and no halt of new orders ends it: what is open is at the mercy of the price. Raises
        NeedsPerson with the open amount if the books don't let it be closed.
        """
        await self._ask_again()
        self._since = self._since or workflow.now()
        left = await self._close(self._since)
        await self._tracker.wait(None)
        if self._foreign:
            foreign, self._foreign = self._foreign, ""
            raise NeedsPerson(foreign)
        return left

    async def _close(self, since: datetime) -> bool:
        pause = SOON
        while True:
            continue_as_new_if_long()
            if abs(self._both.open) < self._lot:
                return max(self.buy.coins, self.sale.coins) >= self._lot
            books = await self._books()
            if len(books) == len(self._places) and too_little(self._both, books):
                return not came_to_nothing(self._both, books)
            closing = self._best(books)
            if closing is None:
                if len(books) == len(self._places):
                    self._give_up_after(since, "neither book carries an order that would close it")
                pause = await self._wait(Reason("no book that could close it is to be had", ReasonKind.LEG_OPEN), pause)
            elif closing.keeps < (bound := self._bound(since)):
                self._give_up_after(since, f"closing it on {closing.venue} would keep {closing.keeps:.2%}")
                await self._wait(Reason(f"an order that closes it and keeps {bound:.2%}", ReasonKind.LEG_OPEN), SOON)
            else:
                report = await self._trade(closing, books[closing.venue])
                if report.outcome is OrderOutcome.BLOCKED:
                    pause = await self._wait(Reason(report.reason, report.reason_kind), pause)
                else:
                    pause = SOON
                    await self._count(report)

    def _best(self, books: Mapping[Venue, Market]) -> Closing | None:
        """Of what the account may trade."""
        coin, refused = self._tracker.cycle.coin, self._tracker.refused
        allowed = {venue: book for venue, book in books.items() if (venue, coin) not in refused}
        return next(iter(closings(self._both, allowed, self._tracker.krw_per_usdt)), None)

    def _bound(self, since: datetime) -> Decimal:
        policy, elapsed_s = self._tracker.cycle.policy, int((workflow.now() - since).total_seconds())
        return loss_bound(policy.rebalance_loss_limit, policy.compensation_loss_limit, elapsed_s, WITHIN_S)

    def _give_up_after(self, since: datetime, why: str) -> None:
        if (workflow.now() - since).total_seconds() >= WITHIN_S:
            self._park(why)

    def _park(self, why: str) -> NoReturn:
        """A person who has looked, and says `retry`, begins with the first bound again."""
        self._since, self._fruitless = None, 0
        raise NeedsPerson(f"{self._open}; {why}", ReasonKind.LEG_OPEN)

    async def _count(self, report: OrderReport) -> None:
        if report.outcome is OrderOutcome.FILLED:
            self._fruitless = 0
            return
        self._fruitless += 1
        if self._fruitless == TRIES:
            self._park(f"{TRIES} orders in a row brought nothing; {why_not_filled(report)}")
        await self._tracker.control.sleep(SOON, f"before closing what is open of {self._tracker.cycle.coin} again")

    async def _wait(self, why: Reason, pause: timedelta) -> timedelta:
        """Never for long: every half minute at least somebody looks."""
        reason = Reason(f"{self._open}; {why}", why.kind)
        return min(await look_again(self._tracker, reason, pause), LOOK_AGAIN)

    @property
    def _open(self) -> str:
        direction = self._tracker.cycle.direction
        return f"{self._tracker.cycle.coin}, {direction.source} to {direction.destination}: {self._both}"

    async def _trade(self, closing: Closing, market: Market) -> OrderReport:
        place = TradeStep(Leg.BACK, closing.venue, self._tracker.cycle.coin, closing.side)
        order = Execution(self._tracker, place, closing.quantity)
        report = await order.order(closing.quantity, closing.worst, market.instrument.taker_fee)
        self._side(closing.venue).closed_by(order)
        self._remember(closing.venue, report)
        return report

    def _remember(self, venue: Venue, report: OrderReport) -> None:
        """A market that the account may not trade on closes nothing; a person's `retry` forgets it."""
        if report.not_permitted:
            self._tracker.refused.add((venue, self._tracker.cycle.coin))

    async def _ask_again(self) -> None:
        """About the closing that an earlier run of the workflow, or a person, got no answer about."""
        intent: OrderIntent | None = self._tracker.unanswered
        if intent is not None:
            order = Execution(
                self._tracker, TradeStep(Leg.BACK, intent.venue, intent.coin, intent.side), intent.quantity
            )
            await order.ask(intent)
            self._side(intent.venue).closed_by(order)

    def _side(self, venue: Venue) -> Execution:
        return self.buy if venue is self.buy.place.venue else self.sale

    @property
    def _places(self) -> tuple[TradeStep, TradeStep]:
        return self.buy.place, self.sale.place

    async def _books(self) -> dict[Venue, Market]:
        """Of both venues at once; one that does not come soon is done without."""
        books = await asyncio.gather(*(self._book(place.venue) for place in self._places))
        return {book.quote.venue: book for book in books if book is not None}

    async def _book(self, venue: Venue) -> Market | None:
        cycle = self._tracker.cycle
        query = QuoteQuery(cycle_id=cycle.cycle_id, venue=venue, coin=cycle.coin)
        try:
            now = await BOOK_NOW.call(MarketActivities.read_market, query, f"book of {cycle.coin} on {venue}")
        except ActivityError:
            return None
        self._tracker.valuation.mark(venue, cycle.coin, now.quote.bid)
        return Market(now.quote, now.instrument)
