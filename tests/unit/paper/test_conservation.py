"""Whatever is ordered, cancelled, moved and refused: nothing appears and nothing vanishes, to the last digit."""

from collections import defaultdict
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kimp.domain.market import Side
from kimp.domain.venues import PAIR, Venue
from kimp.paper.accounts import Counterparty, InsufficientFunds
from kimp.paper.addresses import PaperAddress
from kimp.paper.config import PaperConfig, SyntheticMarket
from kimp.paper.faults.kinds import ORDER, RECEIVING, SENDING
from kimp.paper.faults.plan import FaultPlan, FaultRule
from kimp.paper.orders import Filtered, Force, MarketHalted, MarketNotPermitted, Request, State, TakenName, WouldTake
from kimp.paper.ticks import price_below
from kimp.paper.transfer import ENDED_EARLY, TransferStep
from kimp.paper.world import World

MARKETS = {Venue.UPBIT: ("KRW-XRP", "KRW-SOL", "KRW-USDT"), Venue.BINANCE: ("XRPUSDT", "SOLUSDT")}
SIZES = st.decimals("0.001", "20000", places=3)
NUDGES = st.decimals("-0.02", "0.02", places=4)


class _Clock:
    ms = 1_790_000_000_000

    def now_ms(self) -> int:
        return self.ms


RULES = tuple(FaultRule(kind=kind, rate=0.05) for kind in sorted(ORDER | SENDING | RECEIVING))


class Exchange(RuleBasedStateMachine):
    plan = FaultPlan()

    def __init__(self) -> None:
        super().__init__()
        self.clock = _Clock()
        self.world = World(
            PaperConfig(
                market=SyntheticMarket(ticks_per_second=0),
                transfer_time_scale=1,
                faults=self.plan,
                upbit_balances={"KRW": Decimal(50_000_000), "XRP": Decimal("1234.567")},
                binance_balances={"USDT": Decimal(50_000), "SOL": Decimal("12.3456"), "BNB": Decimal("0.5")},
            ),
            self.clock,
        )

    @rule(
        venue=st.sampled_from(PAIR),
        index=st.integers(0, 2),
        side=st.sampled_from(Side),
        force=st.sampled_from(Force),
        offset=NUDGES,
        size=SIZES,
    )
    def limit_order(self, venue: Venue, index: int, side: Side, force: Force, offset: Decimal, size: Decimal) -> None:
        instrument = self.world.instruments[venue, MARKETS[venue][index % len(MARKETS[venue])]]
        book = self.world.book(instrument)
        price = price_below(instrument.ladder, book.bid * (1 + offset))
        quantity = (size / instrument.lot).to_integral_value() * instrument.lot
        self._place(Request(instrument, side, force, None, quantity=max(quantity, instrument.lot), limit=price))

    @rule(
        venue=st.sampled_from(PAIR),
        index=st.integers(0, 2),
        side=st.sampled_from(Side),
        size=SIZES,
        by_value=st.booleans(),
    )
    def market_order(self, venue: Venue, index: int, side: Side, size: Decimal, by_value: bool) -> None:  # noqa: FBT001
        instrument = self.world.instruments[venue, MARKETS[venue][index % len(MARKETS[venue])]]
        if side is Side.BUY and (by_value or venue is Venue.UPBIT):
            value = size * self.world.book(instrument).ask
            self._place(Request(instrument, side, Force.NOW, None, budget=value))
        else:
            quantity = max((size / instrument.lot).to_integral_value() * instrument.lot, instrument.lot)
            self._place(Request(instrument, side, Force.NOW, None, quantity=quantity))

    def _place(self, request: Request) -> None:
        desk = self.world.desks[request.instrument.venue]
        before = desk.accounts.all()
        try:
            order = desk.place(request)
        except (InsufficientFunds, WouldTake, MarketHalted, MarketNotPermitted, Filtered, TakenName):
            assert desk.accounts.all() == before
            return
        if request.limit is not None:
            better = max if request.side is Side.BUY else min
            assert all(better(fill.price, request.limit) == request.limit for fill in order.fills)
        if request.force is Force.ALL_NOW:
            assert order.executed in (0, request.quantity)
        assert request.quantity is None or order.executed <= request.quantity
        assert request.budget is None or order.funds <= request.budget
        assert order.state is not State.OPEN or request.force in (Force.REST, Force.MAKE)

    @rule(venue=st.sampled_from(PAIR), index=st.integers(0, 2), move=NUDGES)
    def market_moves(self, venue: Venue, index: int, move: Decimal) -> None:
        instrument = self.world.instruments[venue, MARKETS[venue][index % len(MARKETS[venue])]]
        bid = price_below(instrument.ladder, self.world.book(instrument).bid * (1 + move))
        self.world.desks[venue].refresh(instrument.symbol, bid, instrument.ladder.next_up(bid))

    @precondition(lambda self: any(desk.open_orders() for desk in self.world.desks.values()))
    @rule(which=st.integers(0, 1_000))
    def cancel(self, which: int) -> None:
        open_orders = [(desk, order) for desk in self.world.desks.values() for order in desk.open_orders()]
        desk, order = open_orders[which % len(open_orders)]
        desk.cancel(order)
        assert order.locked == 0

    @rule(venue=st.sampled_from(PAIR), coin=st.sampled_from(("XRP", "SOL", "USDT")), size=SIZES, tag=st.booleans())
    def withdraw(self, venue: Venue, coin: str, size: Decimal, tag: bool) -> None:  # noqa: FBT001
        network = self.world.coins[coin].networks[0]
        address = self.world.addresses.of(PAIR.other(venue), coin, network.name)
        assert address is not None
        target = address if tag else PaperAddress(coin, network.name, address.address, None)
        before = self.world.accounts[venue].all()
        try:
            self.world.transfers.withdraw(venue, network, target, size, network.upbit_fee, None)
        except InsufficientFunds:
            assert self.world.accounts[venue].all() == before

    @precondition(lambda self: self.world.transfers.withdrawals)
    @rule()
    def cancel_withdrawal(self) -> None:
        self.world.transfers.cancel(list(self.world.transfers.withdrawals.values())[-1])

    @rule(seconds=st.integers(1, 200))
    def time_passes(self, seconds: int) -> None:
        self.clock.ms += seconds * 1000
        self.world.agenda.run_due()

    @invariant()
    def balances_are_what_was_given(self) -> None:
        for accounts in self.world.accounts.values():
            given = accounts.given()
            for asset, balance in accounts.all().items():
                assert balance.free >= 0
                assert balance.locked >= 0
                assert balance.total == sum(given.get(asset, {}).values())

    @invariant()
    def locks_belong_to_something(self) -> None:
        for venue, accounts in self.world.accounts.items():
            locked: defaultdict[str, Decimal] = defaultdict(Decimal)
            for order in self.world.desks[venue].open_orders():
                locked[order.lock_asset] += order.locked
            for withdrawal in self.world.transfers.withdrawals.values():
                if withdrawal.venue is venue is Venue.UPBIT and withdrawal.step is TransferStep.ACCEPTED:
                    locked[withdrawal.coin] += withdrawal.amount + withdrawal.fee
            for asset, balance in accounts.all().items():
                assert balance.locked == locked[asset]

    @invariant()
    def flows_are_the_fills(self) -> None:
        for venue, desk in self.world.desks.items():
            flows: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
            for order in desk.orders.values():
                instrument, sign = order.request.instrument, 1 if order.request.side is Side.BUY else -1
                for fill in order.fills:
                    flows[Counterparty.MARKET, instrument.base] += sign * fill.quantity
                    flows[Counterparty.MARKET, instrument.quote] -= sign * fill.price * fill.quantity
                    flows[Counterparty.TRADING_FEES, fill.fee_asset] -= fill.fee
            for asset, given in self.world.accounts[venue].given().items():
                for who in (Counterparty.MARKET, Counterparty.TRADING_FEES):
                    assert given.get(who, Decimal(0)) == flows[who, asset]

    @invariant()
    def chain_holds_what_is_on_the_way_or_lost(self) -> None:
        transfers = self.world.transfers
        for coin in ("XRP", "SOL", "USDT"):
            taken = sum(
                -accounts.given().get(coin, {}).get(Counterparty.CHAIN, Decimal(0))
                for accounts in self.world.accounts.values()
            )
            away = Decimal(0)
            for w in transfers.withdrawals.values():
                if w.coin != coin or w.step in ENDED_EARLY:
                    continue
                arrived = w.deposit is not None and w.deposit.step in (TransferStep.CONFIRMED, TransferStep.CREDITED)
                if w.step is TransferStep.ACCEPTED:
                    away += w.amount + w.fee if w.venue is Venue.BINANCE else Decimal(0)
                else:
                    away += w.amount - (w.deposit.amount if arrived and w.deposit else 0)
            assert taken == away


TestConservation = Exchange.TestCase
TestConservation.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


class FaultyExchange(Exchange):
    """Every kind of order and transfer fault, one time in twenty each."""

    plan = FaultPlan(seed=3, rules=RULES)


TestConservationUnderFaults = FaultyExchange.TestCase
TestConservationUnderFaults.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
