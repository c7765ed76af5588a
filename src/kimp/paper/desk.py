"""One venue's trading: accepts validated requests, fills them, keeps balances and locks right to the last digit."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol

from kimp.domain.market import Side
from kimp.domain.modelled_book import Sides
from kimp.domain.venues import Venue
from kimp.paper.accounts import Accounts, Counterparty, InsufficientFunds
from kimp.paper.amounts import ZERO, exact
from kimp.paper.book import DEPTH, Book
from kimp.paper.conditions import Condition, Conditions
from kimp.paper.journal import PaperJournal
from kimp.paper.matching import Match, reaches, walk_budget, walk_quantity
from kimp.paper.orders import (
    Force,
    MarketHalted,
    MarketNotPermitted,
    Order,
    PaperFill,
    Request,
    State,
    TakenName,
    WouldTake,
)
from kimp.paper.terms import BNB, fee_of, funds_needed, outcome_of, price, reserved_fee
from kimp.ports.clock import Clock

FillListener = Callable[[Order, PaperFill], None]


class OrderHook(Protocol):
    """The seam for faults of orders."""

    def allow(self, order: Order, takes: list[Match]) -> list[Match] | None:
        """Asked right before an order is accepted. Not None: only these trade, and the venue cancels the rest.

        It may change the order's fee, and when look-ups tell of it. Raises what `place` may raise to refuse it.
        """
        ...


class Desk:
    """All state changes happen inside one call without awaiting, so requests cannot interleave."""

    def __init__(
        self,
        venue: Venue,
        accounts: Accounts,
        books: dict[str, Book],
        conditions: Conditions,
        clock: Clock,
        journal: PaperJournal,
    ) -> None:
        self.venue = venue
        self.accounts = accounts
        self.books = books
        self.orders: dict[int, Order] = {}
        self.by_uuid: dict[str, Order] = {}
        self.by_client_id: dict[tuple[str, str], Order] = {}
        """Symbol and client id -> the latest order that bears them."""
        self.on_fill: list[FillListener] = []
        self.hook: OrderHook | None = None
        self.known: Callable[[str], bool] = lambda _symbol: True
        """Whether the market's book is what it is now; on another one no order is taken."""
        self._conditions = conditions
        self._clock = clock
        self._journal = journal
        self._resting: defaultdict[str, list[Order]] = defaultdict(list)
        # Numbers of an earlier run must not come back: a client may still hold them.
        self._last_order = self._last_fill = clock.now_ms()

    @exact
    def place(self, request: Request) -> Order:
        """Accept and fill at once what can be.

        Raises InsufficientFunds, WouldTake, MarketHalted, MarketNotPermitted, Filtered or TakenName: it was not placed.
        """
        takes = self._takes(request)
        order = self._new(request, takes)
        try:
            allowed = self.hook.allow(order, takes) if self.hook else None
        except TakenName as taken:
            self._list_foreign(taken.order)
            raise
        price(order, takes)
        self.accounts.lock(order.lock_asset, order.locked, f"order {order.uuid}")
        self._enter(order)
        book = self.books[request.instrument.symbol]
        self._journal.write("order", venue=self.venue, **order.facts(), bid=book.bid, ask=book.ask)
        if allowed is None:
            self._execute(order, takes, outcome_of(request, takes))
        else:
            left = outcome_of(request, allowed)
            self._execute(order, allowed, State.EXPIRED if left is State.OPEN else left)
        return order

    @exact
    def dry_run(self, request: Request) -> Order:
        """The order that `place` would accept, and the same refusals, without placing it."""
        takes = self._takes(request)
        order = self._new(request, takes)
        price(order, takes)
        free = self.accounts[order.lock_asset].free
        if free < order.locked:
            raise InsufficientFunds(order.lock_asset, order.locked, free)
        return order

    def cancel(self, order: Order) -> None:
        """Only an open order; releases its locks."""
        self._close(order, State.CANCELLED)

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """In order of acceptance."""
        found = [o for s, orders in self._resting.items() if symbol in (None, s) for o in orders]
        return sorted(found, key=lambda order: order.number)

    def shown(self, orders: Iterable[Order]) -> list[Order]:
        """Those that a look-up finds by now, as it tells them."""
        now_ms = self._clock.now_ms()
        return [order.seen_at(now_ms) for order in orders if order.visible_ms <= now_ms]

    @exact
    def refresh(self, symbol: str, bid: Decimal, ask: Decimal, sides: Sides | None = None) -> None:
        """New best prices of a market: resting orders that they reach are filled, best price and oldest first."""
        book = self.books[symbol]
        book.refresh(bid, ask, self._clock.now_ms(), sides)
        if resting := self._resting.get(symbol):
            for order in sorted(resting, key=_priority):
                self._fill_resting(order, book)

    def restore(self, order: Order) -> None:
        """One of before a restart; its locks are in the balances already."""
        self._enter(order)
        self._last_order = max(self._last_order, order.number)
        self._last_fill = max(self._last_fill, *(fill.number for fill in order.fills), 0)
        if order.state is State.OPEN:
            self._resting[order.request.instrument.symbol].append(order)

    def halted(self, symbol: str) -> bool:
        return self._conditions.hold(Condition.HALTED, self.venue, symbol)

    def _list_foreign(self, order: Order) -> None:
        """Whoever asks by the name that it shares finds it; it moved nothing."""
        self._enter(order)
        self._journal_order("foreign_order", order)

    def _enter(self, order: Order) -> None:
        self.orders[order.number] = self.by_uuid[order.uuid] = order
        if order.request.client_id is not None:
            self.by_client_id[order.request.instrument.symbol, order.request.client_id] = order

    def _takes(self, request: Request) -> list[Match]:
        levels = self.books[request.instrument.symbol].levels(request.side, DEPTH)
        if request.budget is not None:
            return walk_budget(levels, request.limit, request.budget, request.instrument.lot)
        return walk_quantity(levels, request.side, request.limit, request.quantity or ZERO)

    def _new(self, request: Request, takes: list[Match]) -> Order:
        if self.halted(request.instrument.symbol) or not self.known(request.instrument.symbol):
            raise MarketHalted
        if self._conditions.hold(Condition.NOT_PERMITTED, self.venue, request.instrument.symbol):
            raise MarketNotPermitted
        if request.force is Force.MAKE and takes:
            raise WouldTake
        self._last_order += 1
        now = self._clock.now_ms()
        return Order(self._last_order, str(uuid.uuid4()), request, now, fee_rate=request.instrument.fee, updated_ms=now)

    def _execute(self, order: Order, takes: list[Match], outcome: State) -> None:
        request = order.request
        if request.force is Force.ALL_NOW and outcome is State.OPEN:
            self._close(order, State.EXPIRED)
            return
        book = self.books[request.instrument.symbol]
        for take in takes:
            book.take(request.side, take.price, take.quantity)
            self._fill(order, take, maker=False, last=outcome is State.FILLED and take is takes[-1])
        if outcome is not State.OPEN:
            self._close(order, outcome)
        elif request.force in (Force.REST, Force.MAKE):
            self._resting[request.instrument.symbol].append(order)
        else:
            self._close(order, State.EXPIRED)

    def _fill_resting(self, order: Order, book: Book) -> None:
        """A maker trades at its own price, with as much as the market shows at or through it."""
        request = order.request
        limit, wanted = request.limit, order.remaining
        best = book.ask if request.side is Side.BUY else book.bid
        if limit is None or wanted is None or not reaches(request.side, limit, best):
            return
        for take in walk_quantity(book.levels(request.side, DEPTH), request.side, limit, wanted):
            book.take(request.side, take.price, take.quantity)
            self._fill(order, Match(limit, take.quantity), maker=True, last=take.quantity == order.remaining)
        if order.state is State.FILLED:
            self._close(order, State.FILLED)

    def _fill(self, order: Order, take: Match, *, maker: bool, last: bool) -> None:
        if last:
            order.state = State.FILLED
        fill = self._make_fill(order, take, maker=maker)
        order.fills.append(fill)
        order.executed += fill.quantity
        order.funds += fill.funds
        order.fees += fill.fee
        order.updated_ms = fill.at_ms
        self._settle(order, fill)
        who = {"order": order.uuid, "client_id": order.request.client_id}
        what = {"symbol": order.request.instrument.symbol, "side": order.request.side}
        self._journal.write("fill", venue=self.venue, **who, **what, **fill.facts())
        for listener in self.on_fill:
            listener(order, fill)

    def _make_fill(self, order: Order, take: Match, *, maker: bool) -> PaperFill:
        self._last_fill += 1
        fee, fee_asset = fee_of(order, take, self.accounts[BNB].free)
        return PaperFill(
            number=self._last_fill,
            price=take.price,
            quantity=take.quantity,
            funds=take.funds,
            fee=fee,
            fee_asset=fee_asset,
            maker=maker,
            at_ms=self._clock.now_ms(),
        )

    def _settle(self, order: Order, fill: PaperFill) -> None:
        """Pay from the lock, receive the other asset, pay the fee: from the lock where a buyer pays it in cash."""
        instrument, reason, accounts = order.request.instrument, f"fill {fill.number}", self.accounts
        buys = order.request.side is Side.BUY
        paid, received = (fill.funds, fill.quantity) if buys else (fill.quantity, fill.funds)
        accounts.pay_locked(order.lock_asset, paid, Counterparty.MARKET, reason)
        order.locked -= paid
        accounts.receive(instrument.base if buys else instrument.quote, received, Counterparty.MARKET, reason)
        if fill.fee_asset == order.lock_asset:
            accounts.pay_locked(fill.fee_asset, fill.fee, Counterparty.TRADING_FEES, reason)
            order.locked -= fill.fee
        else:
            accounts.pay(fill.fee_asset, fill.fee, Counterparty.TRADING_FEES, reason)
        if order.state is State.OPEN and order.request.limit is not None:
            rest = funds_needed(order, [])
            self._release(order, rest + reserved_fee(order, rest))

    def _close(self, order: Order, state: State) -> None:
        order.state = state
        order.updated_ms = self._clock.now_ms()
        resting = self._resting[order.request.instrument.symbol]
        if order in resting:
            resting.remove(order)
        self._release(order, ZERO)
        self._journal_order("order_closed", order)

    @exact
    def _release(self, order: Order, keep: Decimal) -> None:
        """Unlock what is locked beyond `keep`: a buy filled below its limit needs less than was set aside."""
        surplus = order.locked - keep
        if surplus > ZERO:
            order.locked = keep
            self.accounts.unlock(order.lock_asset, surplus, f"order {order.uuid}")

    def _journal_order(self, kind: str, order: Order) -> None:
        self._journal.write(kind, venue=self.venue, **order.facts())


def _priority(order: Order) -> tuple[Decimal, int]:
    limit = order.request.limit or ZERO
    return (-limit if order.request.side is Side.BUY else limit, order.number)
