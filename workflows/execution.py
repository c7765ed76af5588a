"""Trading on one venue: order after order, until the cash is spent or the coins are sold."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from activities.orders import OrderActivities
    from kimp.contracts.cycle import MarketNow, QuoteQuery
    from kimp.contracts.orders import Opening, OrderIntent, OrderOutcome, OrderReport
    from kimp.contracts.progress import TradedSoFar
    from kimp.domain import sizing
    from kimp.domain.ids import Leg, Step, client_order_id, step_of
    from kimp.domain.market import Side
    from kimp.domain.money import ZERO, Asset, Money, exact, round_down
    from kimp.domain.reasons import Reason, ReasonKind
    from kimp.domain.venues import Venue
    from kimp.domain.won import krw_per
    from kimp.domain.wording import exactly
    from kimp.observability.context import bound

from workflows.continuing import continue_as_new_if_long
from workflows.policies import MARKET, ORDER
from workflows.steps import LOOK_AGAIN, NeedsPerson, StepFailed, look_again, proves_nothing, until_answered
from workflows.timeline import traded
from workflows.tracker import CycleTracker, now_ms

REMEMBERS_REFUSALS = "a-refusing-market-is-remembered"
"""Steps that met one before there was such a thing tried as often as any other."""
TRIES = 5
"""Orders in a row that brought nothing before the step fails."""
GOOD_FOR_MS = 10_000
"""An order is priced by a book that was read just before; one that waits longer for a worker is not sent."""
PAUSE = timedelta(seconds=2)
"""For the book to fill up again after an order that found too little."""


@dataclass(frozen=True, slots=True)
class TradeStep:
    """Where in the cycle an execution stands."""

    leg: Leg
    venue: Venue
    coin: Asset
    side: Side

    @property
    def step(self) -> Step:
        return Step.BUY if self.side is Side.BUY else Step.SELL

    @property
    def name(self) -> str:
        """Leg and step, as the names of its orders have them."""
        return f"{self.leg}{self.step}"

    def bound(self) -> AbstractContextManager[None]:
        """Log lines of the block say where they belong."""
        return bound(step=self.name, venue=self.venue)


class Execution:
    """Buys for an amount of cash, or sells a number of coins, in as many orders as the book asks for.

    It keeps its progress, so that a step that failed half way goes on where it stopped.
    """

    def __init__(
        self, tracker: CycleTracker, place: TradeStep, target: Decimal, pause: timedelta | None = None
    ) -> None:
        """`target` is cash of the venue for a buy, coins for a sale."""
        self._tracker = tracker
        self.place = place
        self._target = target
        self._part: int | None = None
        self._attempt = 1
        self._fruitless = 0
        self._waited = False
        self.done = False
        self.pause = pause
        """Before the next look, while something keeps orders from being sent; None while nothing does."""
        self.coins = ZERO
        """Coins gained by a buy after its fee, or given by a sale."""
        self.cash = ZERO
        """Cash given by a buy with its fee, or gained by a sale after its fee."""
        self.traded_at: Decimal | None = None
        """Of one side of a pair: cash of a coin when it was first traded."""

    @property
    def name(self) -> str:
        """The step that it is."""
        return self.place.name

    def restore(self, so_far: TradedSoFar) -> None:
        """As an earlier run of the workflow left it, which is a wait."""
        self._part, self._attempt, self._fruitless = so_far.part, so_far.attempt, so_far.fruitless
        self.coins, self.cash, self.done = so_far.coins, so_far.cash, so_far.done
        self.traded_at = so_far.traded_at
        self._waited = True

    @property
    def so_far(self) -> TradedSoFar:
        """For the next run of the workflow."""
        return TradedSoFar(
            step=self.place.name,
            coins=self.coins,
            cash=self.cash,
            part=self._part,
            attempt=self._attempt,
            fruitless=self._fruitless,
            done=self.done,
            traded_at=self.traded_at,
        )

    async def run(self) -> bool:
        """Until what is left is too small to trade; False if it was so from the start.

        Raises StepFailed when the venue refuses or fills nothing, several times in a row."""
        if self.done:
            return self.coins != ZERO
        with self.place.bound():
            return await self._trade()

    async def _trade(self) -> bool:
        await self._ask_again()
        if self.given_up:
            return False
        while True:
            continue_as_new_if_long()
            now = await self.read_market()
            if (quantity := self._size(now)) is None:
                self.done = True
                return self.coins != ZERO
            report = await self.order(quantity, self.limit(now), now.instrument.taker_fee)
            if report.outcome is OrderOutcome.BLOCKED:
                why = Reason(report.reason, report.reason_kind)
                self.pause = await look_again(self._tracker, why, self._next_pause(report))
                self._waited = True
                if self.given_up:
                    return False
                continue
            self.pause = None
            await self._tracker.wait(None)
            if report.outcome is OrderOutcome.FILLED and self._size(now) is None:
                self.done = True
                return True  # without another look at the book: what is left was too small a moment ago
            self._fruitless = 0 if report.outcome is OrderOutcome.FILLED else self._fruitless + 1
            if self._fruitless == TRIES or self._market_refuses(report):
                self._fruitless = 0
                raise StepFailed(
                    f"{self._what()} {report.outcome}: {report.reason or 'the book is too thin'}", kind_of(report)
                )
            if self._fruitless and not self._tries_at_once:
                await self._tracker.control.sleep(PAUSE, f"before {self._what()} is tried again")

    def _market_refuses(self, report: OrderReport) -> bool:
        """No further order would do better: what is undone from here on goes another way."""
        if not report.not_permitted or not workflow.patched(REMEMBERS_REFUSALS):
            return False
        self._tracker.refused.add((self.place.venue, self.place.coin))
        return True

    def _next_pause(self, report: OrderReport) -> timedelta:
        """What the venue asks for, but longer each time: hours of it must stay a short history."""
        asked = LOOK_AGAIN if report.retry_after_s is None else timedelta(seconds=report.retry_after_s)
        return max(asked, self.pause or asked)

    @property
    def given_up(self) -> bool:
        """After a wait the caller is to look anew at what to do, before the next order."""
        return False

    @property
    def _tries_at_once(self) -> bool:
        """After an order that brought nothing: what is tried next does not need the book to fill up again."""
        return False

    async def order(
        self,
        quantity: Decimal,
        limit_price: Decimal,
        taker_fee: Decimal,
        expires_at_ms: int | None = None,
        opening: Opening | None = None,
    ) -> OrderReport:
        """Send one order, book its fills. Raises Stopped, with nothing sent, if a person wants the cycle undone."""
        if self.place.leg is not Leg.BACK:
            self._tracker.control.check()
        return await self.ask(self.intent(quantity, limit_price, taker_fee, expires_at_ms, opening))

    def intent(
        self,
        quantity: Decimal,
        limit_price: Decimal,
        taker_fee: Decimal,
        expires_at_ms: int | None = None,
        opening: Opening | None = None,
    ) -> OrderIntent:
        """The next order, under the name that it keeps until it is known what became of it."""
        place = self.place
        return OrderIntent(
            cycle_id=self._tracker.cycle.cycle_id,
            run_id=self._tracker.run_id,
            client_order_id=self._client_order_id(),
            venue=place.venue,
            coin=place.coin,
            side=place.side,
            quantity=quantity,
            limit_price=limit_price,
            krw_per_cash=self._krw_per_cash,
            taker_fee=taker_fee,
            expires_at_ms=expires_at_ms or now_ms() + GOOD_FOR_MS,
            opening=opening,
            compensating=place.leg is Leg.BACK,
            asking_run_id=self._tracker.asking_run_id,
        )

    async def ask(self, intent: OrderIntent) -> OrderReport:
        """Have it carried out, however long that takes, and take in what came of it."""
        place = self.place
        limit = (
            f"{'at most' if place.side is Side.BUY else 'at least'} {exactly(intent.limit_price)} {place.venue.cash}"
        )
        self._tracker.unanswered = intent
        with place.bound():
            report = await until_answered(
                self._tracker,
                ORDER,
                OrderActivities.execute_order,
                intent,
                summary=f"{place.side} {exactly(intent.quantity)} {place.coin} on {place.venue}, {limit}",
                refusal=proves_nothing,
            )
            self._tracker.unanswered = None
            await self.take_in(intent, report)
        if report.outcome is OrderOutcome.FOREIGN:
            raise NeedsPerson(report.reason)
        return report

    async def _ask_again(self) -> None:
        """About the order that an earlier run of the workflow got no answer about."""
        order = self._tracker.unanswered
        if order is not None and step_of(order.client_order_id) == self.place.name:
            await self.ask(order)

    async def take_in(self, intent: OrderIntent, report: OrderReport) -> None:
        """What came of one of its orders."""
        if report.outcome in {OrderOutcome.FILLED, OrderOutcome.UNFILLED}:
            self._part, self._attempt = None, 1
        else:
            self._attempt += 1
        if report.outcome is OrderOutcome.ABSENT:
            self._tracker.absent.append(intent)
        if report.outcome is OrderOutcome.REJECTED and self.place.leg is not Leg.BACK:
            self._tracker.rejected_coin = intent.coin
        if report.outcome is OrderOutcome.FILLED:
            self._add(report)
            what = traded(intent.side, intent.venue, intent.coin, report)
            await self._tracker.book(what, intent.entries(report.fills))

    @exact
    def _add(self, report: OrderReport) -> None:
        coin, cash = self.place.coin, self.place.venue.cash
        if self.place.side is Side.BUY:
            self.coins += report.quantity - report.fee_in(coin)
            self.cash += report.funds + report.fee_in(cash)
        else:
            self.coins += report.quantity
            self.cash += report.funds - report.fee_in(cash)

    @exact
    def closed_by(self, order: "Execution") -> None:
        """Take in what an order of a pair's other legs traded on the same venue: more of the same, or the reverse."""
        sign = 1 if order.place.side is self.place.side else -1
        self.coins += sign * order.coins
        self.cash += sign * order.cash
        self.record_price()

    @exact
    def record_price(self) -> None:
        """Remember what a coin was first traded for."""
        if self.traded_at is None and self.coins > ZERO:
            self.traded_at = self.cash / self.coins

    async def read_market(self) -> MarketNow:
        place = self.place
        now = await until_answered(
            self._tracker,
            MARKET,
            MarketActivities.read_market,
            QuoteQuery(cycle_id=self._tracker.cycle.cycle_id, venue=place.venue, coin=place.coin),
            summary=f"book of {place.coin} on {place.venue}",
        )
        self._tracker.valuation.mark(place.venue, place.coin, now.quote.bid)
        return now

    @property
    def _krw_per_cash(self) -> Decimal:
        return krw_per(self.place.venue.cash, self._tracker.krw_per_usdt)

    def _price(self, now: MarketNow) -> Decimal:
        return now.quote.ask if self.place.side is Side.BUY else now.quote.bid

    def limit(self, now: MarketNow) -> Decimal:
        slippage = self._tracker.cycle.policy.slippage
        return sizing.marketable_limit(self.place.side, self._price(now), slippage, now.instrument)

    def _size(self, now: MarketNow) -> Decimal | None:
        """Coins of the next order; None when what is left is too small to trade."""
        quantity = min(self._quantity(now), self._most(now))
        return quantity if sizing.order_problem(quantity, self._price(now), now.instrument) is None else None

    @exact
    def _most(self, now: MarketNow) -> Decimal:
        """Coins that one order may trade; what is more goes out in further parts."""
        dearest = self.limit(now) * self._krw_per_cash
        return round_down(self._tracker.cycle.policy.caps.order_krw / dearest, now.instrument.lot)

    @exact
    def _quantity(self, now: MarketNow) -> Decimal:
        if self.place.side is Side.SELL:
            return round_down(self._target - self.coins, now.instrument.lot)
        # At the limit: a fill at the worst price allowed may not take more cash than the cycle has.
        cash = Money(self._target - self.cash, self.place.venue.cash)
        return sizing.buy_quantity(cash, self.limit(now), now.instrument) if cash.amount > ZERO else ZERO

    def _client_order_id(self) -> str:
        place = self.place
        if self._part is None:
            self._part = self._tracker.numbers.next(place.leg, place.step)
        cycle = self._tracker.cycle
        return client_order_id(cycle.cycle_id, place.leg, place.step, self._part, self._attempt, cycle.installation)

    def _what(self) -> str:
        asset = self.place.venue.cash if self.place.side is Side.BUY else self.place.coin
        return f"{self.place.side} {self.place.coin} on {self.place.venue} with {self._target:f} {asset}"


def why_not_filled(report: OrderReport) -> Reason:
    return Reason(f"{report.outcome}; {report.reason or 'the price was gone'}", kind_of(report))


def kind_of(report: OrderReport) -> ReasonKind:
    """Of an order that brought nothing."""
    return ReasonKind.MARKET_REFUSED if report.outcome is OrderOutcome.REJECTED else ReasonKind.OTHER
