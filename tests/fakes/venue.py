"""A venue in memory: fills at once at its quote, moves coins at once, and can be told to misbehave."""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kimp.contracts.cycle import MarketNow
from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import Address, TransferState, WithdrawalIntent, WithdrawalReport
from kimp.domain.errors import NotPermitted, Postponed
from kimp.domain.market import Fill, Instrument, Network, Quote, Side, TickBand, Turnover, VenueRules
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Pair, Venue
from kimp.ports.exchange import Balance, Balances, ListedWithdrawal, OrderTerms, VenueDeposit, VenueOrder

BNB = Asset("BNB")
CHAIN: dict[str, tuple[Venue, dict[str, Decimal]]] = {}
"""Coins between venues: txid -> where to, how much of each transfer. One chain for both fake venues."""


@dataclass
class FakeVenue:
    """`faults` holds exceptions to raise, one per call of the named method; `after` raises once the call worked."""

    venue: Venue
    prices: dict[Asset, tuple[Decimal, Decimal]]
    """Coin -> (bid, ask)."""
    fee: Decimal = Decimal("0.001")
    fee_in_bnb: Decimal | None = None
    """Taken of each trade in the place of `fee`."""
    pair: Pair = PAIR
    tags: Mapping[Asset, str] = field(default_factory=dict)
    """Coins that are credited here by a tag beside the address."""
    tags_there: Mapping[Asset, str] = field(default_factory=dict)
    """The same of the other venue, as registered here."""
    network_fee: Decimal = Decimal("0.5")
    depth: Decimal = Decimal(1_000_000)
    """Coins that each order can take."""
    wallets_open: bool = True
    faults: dict[str, deque[Exception]] = field(default_factory=dict)
    after: dict[str, deque[Exception]] = field(default_factory=dict)
    held: defaultdict[Asset, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    """Balances, from zero on unless a test puts something there."""
    credited: set[str] = field(default_factory=set)
    orders: dict[str, VenueOrder] = field(default_factory=dict)
    sent: list[OrderIntent] = field(default_factory=list)
    asked_rules: list[Asset] = field(default_factory=list)
    deadlines: list[int] = field(default_factory=list)
    """Of orders and withdrawals, in the order they were asked for."""
    withdrawals: dict[str, WithdrawalReport] = field(default_factory=dict)
    withdrawn: dict[str, Asset] = field(default_factory=dict)
    credit_after: int = 0
    """How many looks at a deposit find nothing yet."""
    not_permitted: dict[Asset, int] = field(default_factory=dict)
    """Coins that the account may not trade here: how often it tried."""
    hides_orders: bool = False
    """No look-up finds an order."""
    one_transaction: str | None = None
    """The txid of everything that leaves; None: each has its own."""
    once_withdrawn: Callable[[], None] | None = None
    """What the market does after the first coins have left."""
    unlisted: bool = False
    """No list shows a withdrawal."""
    unreadable: set[Asset] = field(default_factory=set)
    """Coins whose rows of the balances have another form."""
    refuses_deposits: bool = False
    asked_to_withdraw: bool = False

    def _fault(self, name: str, table: dict[str, deque[Exception]]) -> None:
        queue = table.get(name)
        if queue:
            raise queue.popleft()

    def instrument(self, coin: Asset) -> Instrument:
        return Instrument(
            venue=self.venue,
            coin=coin,
            tick_bands=(TickBand(Decimal(0), Decimal("0.0001")),),
            lot=Decimal("0.01"),
            min_quantity=Decimal("0.01"),
            min_notional=Decimal(5),
            max_notional=Decimal(1_000_000_000),
            taker_fee=self.fee,
        )

    async def rules(self, coins: Sequence[Asset]) -> VenueRules:
        self._fault("rules", self.faults)
        self.asked_rules.extend(coins)
        markets = [coin for coin in coins if coin in self.prices]
        return VenueRules(
            self.venue,
            0,
            tuple(self.instrument(coin) for coin in markets),
            tuple([await self.network(coin) for coin in coins]),
            tuple(Turnover(self.venue, coin, Decimal(10**12)) for coin in markets),
        )

    async def market(self, coin: Asset) -> MarketNow:
        self._fault("market", self.faults)
        if coin not in self.prices:
            raise Postponed(f"there is no open market for {coin}", venue=self.venue)
        return MarketNow(quote=self._quote(coin), instrument=self.instrument(coin))

    async def tops(self, coins: Sequence[Asset]) -> Mapping[Asset, Quote]:
        self._fault("tops", self.faults)
        return {coin: self._quote(coin) for coin in coins if coin in self.prices}

    def _quote(self, coin: Asset) -> Quote:
        bid, ask = self.prices[coin]
        return Quote(self.venue, coin, bid, self.depth, ask, self.depth, 0)

    async def balances(self) -> Balances:
        known = {asset: Balance(amount, Decimal(0)) for asset, amount in self.held.items()}
        return Balances({asset: known[asset] for asset in known.keys() - self.unreadable}, self.unreadable)

    def _move(self, *changes: tuple[Asset, Decimal]) -> None:
        for asset, change in changes:
            self.held[asset] += change

    async def close(self) -> None: ...

    async def find_order(self, coin: Asset, client_order_id: str) -> VenueOrder | None:
        self._fault("find_order", self.faults)
        order = None if self.hides_orders else self.orders.get(client_order_id)
        assert order is None or order.terms.coin in {coin, None}, "Binance looks for it in the coin's market alone"
        return order

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        self.deadlines.append(send_by_ms)
        self._fault("place_order", self.faults)
        if intent.coin in self.not_permitted:
            self.not_permitted[intent.coin] += 1
            raise NotPermitted("This symbol is not permitted for this account.", venue=self.venue, code="-2010")
        self.sent.append(intent)
        bid, ask = self.prices[intent.coin]
        price = ask if intent.side is Side.BUY else bid
        hit = price <= intent.limit_price if intent.side is Side.BUY else price >= intent.limit_price
        quantity = min(intent.quantity, self.depth)
        fills = (self._fill(intent, price, quantity),) if hit and quantity else ()
        order = VenueOrder(
            f"v-{intent.client_order_id}",
            closed=True,
            fills=fills,
            terms=OrderTerms(intent.coin, intent.side, intent.quantity, intent.limit_price),
        )
        self.orders[intent.client_order_id] = order
        sign = 1 if intent.side is Side.BUY else -1
        for fill in fills:
            coins, cash = sign * fill.quantity, -sign * fill.quantity * fill.price
            self._move((intent.coin, coins), (self.venue.cash, cash), (fill.fee_asset, -fill.fee))
        self._fault("place_order", self.after)
        return order

    def _fill(self, intent: OrderIntent, price: Decimal, quantity: Decimal) -> Fill:
        name = f"t{len(self.orders) + 1}"
        if self.fee_in_bnb is not None:
            return Fill(name, price, quantity, self.fee_in_bnb, BNB)
        in_coins = intent.side is Side.BUY and not self.venue.buy_fee_on_top
        fee = self.fee * (quantity if in_coins else quantity * price)
        return Fill(name, price, quantity, fee, intent.coin if in_coins else self.venue.cash)

    async def network(self, coin: Asset) -> Network:
        return Network(
            venue=self.venue,
            coin=coin,
            name=coin,
            withdraw_fee=self.network_fee,
            withdraw_min=Decimal(1),
            withdraw_step=Decimal("0.000001"),
            withdraw_open=self.wallets_open,
            deposit_open=self.wallets_open,
            tag_required=coin in self.tags_there,
        )

    async def deposit_address(self, coin: Asset) -> Address:
        return Address(network=coin, address=f"{self.venue}-{coin}", tag=self.tags.get(coin))

    async def registered_addresses(self, coin: Asset) -> Sequence[Address]:
        return [self.place_there(coin)]

    def place_there(self, coin: Asset) -> Address:
        return Address(network=coin, address=f"{self.pair.other(self.venue)}-{coin}", tag=self.tags_there.get(coin))

    async def withdraw(self, intent: WithdrawalIntent, *, send_by_ms: int) -> WithdrawalReport:
        self.asked_to_withdraw = True
        self.deadlines.append(send_by_ms)
        self._fault("withdraw", self.faults)
        fee = self.network_fee
        arrives = intent.amount if self.venue.withdraw_fee_on_top else intent.amount - fee
        txid = self.one_transaction or f"tx-{intent.transfer_id}"
        before = CHAIN[txid][1] if txid == self.one_transaction and txid in CHAIN else {}
        CHAIN[txid] = (self.pair.other(self.venue), before | {intent.transfer_id: arrives})
        report = WithdrawalReport(
            venue_id=f"w-{intent.transfer_id}", state=TransferState.DONE, txid=txid, arrives=arrives, fee=fee
        )
        self.withdrawals[report.venue_id] = report
        self.withdrawn[report.venue_id] = intent.coin
        self._move((intent.coin, -arrives - fee))
        if self.once_withdrawn is not None:
            self.once_withdrawn()
            self.once_withdrawn = None
        self._fault("withdraw", self.after)
        return report

    async def withdrawals_since(self, coin: Asset, since_ms: int, transfer_id: str) -> Sequence[ListedWithdrawal]:
        self._fault("withdrawals_since", self.faults)
        listed = [] if self.unlisted else list(self.withdrawals.values())
        return [self.listing(report) for report in listed if report.venue_id == f"w-{transfer_id}"]

    def listing(self, report: WithdrawalReport) -> ListedWithdrawal:
        """Under its own name on Binance; on Upbit all that is known of it is what it looks like."""
        on_top = self.venue is Venue.UPBIT
        asked = report.arrives if on_top else report.arrives + report.fee
        return ListedWithdrawal(report, asked, network=None, address=None, asked_ms=None, named=not on_top)

    async def withdrawal(self, coin: Asset, venue_id: str) -> WithdrawalReport:
        assert self.withdrawn[venue_id] == coin, "Upbit looks for it among the coin's alone"
        return self.withdrawals[venue_id]

    async def deposits(self, coin: Asset, txid: str) -> Sequence[VenueDeposit]:
        if self.credit_after > 0:
            self.credit_after -= 1
            return []
        to, parts = CHAIN[txid]
        if to is not self.venue:
            return []
        return [self._take_in(coin, f"d-{name}", amount) for name, amount in parts.items()]

    def _take_in(self, coin: Asset, venue_id: str, amount: Decimal) -> VenueDeposit:
        if self.refuses_deposits:
            return VenueDeposit(venue_id, TransferState.FAILED, amount, "rejected")
        if venue_id not in self.credited:
            self.credited.add(venue_id)
            self._move((coin, amount))
        return VenueDeposit(venue_id, TransferState.DONE, amount)
