"""What really happened, by the venue's own journal."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from chaos.auditor.evidence import Row, number, optional
from chaos.auditor.names import CASH

LEFT = {"broadcast", "confirmed"}
"""A withdrawal that reached one of these is on its way and can't be called back."""
CREDITED = {"confirmed", "credited"}
ENDED_EARLY = {"cancelled", "failed", "rejected"}
OVER = {"confirmed", *ENDED_EARLY}


@dataclass(frozen=True, slots=True)
class Order:
    n: int
    """Of its line in the journal."""
    accepted_ms: int
    venue: str
    uuid: str
    client_id: str | None
    coin: str
    side: str
    quantity: Decimal | None
    limit: Decimal | None
    bid: Decimal
    ask: Decimal
    """Best prices of its market at that moment."""

    @property
    def value(self) -> Decimal | None:
        """At most, in the venue's cash."""
        return None if self.quantity is None or self.limit is None else self.quantity * self.limit


@dataclass(frozen=True, slots=True)
class Fill:
    n: int
    ms: int
    venue: str
    order: str
    client_id: str | None
    coin: str
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str

    def movement(self) -> dict[tuple[str, str], Decimal]:
        """What it must change in the books, per account and asset."""
        sign = 1 if self.side == "buy" else -1
        funds = self.price * self.quantity
        return total(
            [
                (self.venue, self.coin, sign * self.quantity),
                ("market", self.coin, -sign * self.quantity),
                (self.venue, CASH[self.venue], -sign * funds),
                ("market", CASH[self.venue], sign * funds),
                (self.venue, self.fee_asset, -self.fee),
                ("fees", self.fee_asset, self.fee),
            ]
        )


@dataclass(frozen=True, slots=True)
class Withdrawal:
    n: int
    accepted_ms: int
    venue: str
    uuid: str
    client_id: str | None
    coin: str
    network: str
    address: str
    tag: str | None
    arrives: Decimal
    fee: Decimal
    left: bool
    ended_early: bool
    over: bool
    """Nothing becomes of it any more at its sender."""

    @property
    def taken(self) -> bool:
        """Its coins are gone from the venue's balance: on Binance at once, on Upbit when they leave."""
        return self.left if self.venue == "upbit" else not self.ended_early

    def movement(self) -> dict[tuple[str, str], Decimal]:
        return total(
            [
                (self.venue, self.coin, -(self.arrives + self.fee)),
                ("in_transit", self.coin, self.arrives),
                ("fees", self.coin, self.fee),
            ]
        )


@dataclass(frozen=True, slots=True)
class Deposit:
    n: int
    venue: str
    uuid: str
    withdrawal: str
    """The one that it comes from: several may come in one transaction."""
    coin: str
    amount: Decimal
    credited_ms: int | None
    """None: it is not in the balance."""
    over: bool
    """Nothing becomes of it any more."""

    def movement(self) -> dict[tuple[str, str], Decimal]:
        return total([("in_transit", self.coin, -self.amount), (self.venue, self.coin, self.amount)])


@dataclass(frozen=True, slots=True)
class Lost:
    """Coins that left a venue and will never be credited."""

    withdrawal: str
    coin: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BalanceNow:
    ms: int
    venue: str
    asset: str
    balance: Decimal


@dataclass(frozen=True, slots=True)
class VenueTruth:
    orders: Sequence[Order]
    closed: frozenset[str]
    """Orders that trade no more."""
    fills: Sequence[Fill]
    withdrawals: Sequence[Withdrawal]
    deposits: Sequence[Deposit]
    lost: Sequence[Lost]
    balances: Mapping[tuple[str, str], Decimal]
    balance_lines: Sequence[BalanceNow]
    """Every change of a balance."""
    prices_krw: Mapping[str, Decimal]
    """Each coin's last price in won, to tell dust from value."""

    @property
    def credits(self) -> list[Deposit]:
        """Deposits that are in a balance, one for each withdrawal."""
        firsts: dict[str, Deposit] = {}
        for deposit in self.deposits:
            if deposit.credited_ms is not None:
                firsts.setdefault(deposit.withdrawal, deposit)
        return list(firsts.values())

    @property
    def mistakes(self) -> list[Deposit]:
        """What a venue has credited once more: coins that nobody sent."""
        firsts = {deposit.uuid for deposit in self.credits}
        return [d for d in self.deposits if d.credited_ms is not None and d.uuid not in firsts]

    @classmethod
    def of(cls, journal: Iterable[Row], krw_per_usdt: Decimal) -> "VenueTruth":
        """Raises KeyError or ValueError for a journal of another form."""
        lines = list(journal)
        if not lines:
            raise ValueError("the venue's journal is empty")
        if [line["n"] for line in lines] != list(range(1, len(lines) + 1)):
            raise ValueError("the venue's journal has gaps")
        fills = [_fill(line) for line in lines if line["kind"] == "fill"]
        balances = [
            BalanceNow(line["ms"], line["venue"], line["asset"], number(line["balance"]))
            for line in lines
            if line["kind"] == "balance"
        ]
        return cls(
            orders=[_order(line) for line in lines if line["kind"] == "order"],
            closed=frozenset(line["order"] for line in lines if line["kind"] == "order_closed"),
            fills=fills,
            withdrawals=[_withdrawal(group) for group in _by(lines, "withdrawal")],
            deposits=[_deposit(group) for group in _by(lines, "deposit")],
            lost=[
                Lost(line["withdrawal"], line["coin"], number(line["amount"]))
                for line in lines
                if line["kind"] == "lost"
            ],
            balances={(now.venue, now.asset): now.balance for now in balances},
            balance_lines=balances,
            prices_krw={f.coin: f.price * (1 if f.venue == "upbit" else krw_per_usdt) for f in fills}
            | {"KRW": Decimal(1), "USDT": krw_per_usdt},
        )


def total(postings: Iterable[tuple[str, str, Decimal]]) -> dict[tuple[str, str], Decimal]:
    """Net change per account and asset, without the zero ones."""
    sums: dict[tuple[str, str], Decimal] = {}
    for account, asset, amount in postings:
        sums[account, asset] = sums.get((account, asset), Decimal(0)) + amount
    return {key: amount for key, amount in sums.items() if amount != 0}


def _by(lines: Iterable[Row], kind: str) -> Iterable[list[Row]]:
    """The lines of each withdrawal or deposit, in order."""
    groups: dict[str, list[Row]] = {}
    for line in lines:
        if line["kind"] == kind:
            groups.setdefault(line[kind], []).append(line)
    return groups.values()


def _coin(venue: str, symbol: str) -> str:
    cash = CASH[venue]
    return symbol.removeprefix(f"{cash}-") if venue == "upbit" else symbol.removesuffix(cash)


def _order(line: Row) -> Order:
    return Order(
        n=line["n"],
        accepted_ms=line["ms"],
        venue=line["venue"],
        uuid=line["order"],
        client_id=line["client_id"],
        coin=_coin(line["venue"], line["symbol"]),
        side=line["side"],
        quantity=optional(line["quantity"]),
        limit=optional(line["limit"]),
        bid=number(line["bid"]),
        ask=number(line["ask"]),
    )


def _fill(line: Row) -> Fill:
    return Fill(
        n=line["n"],
        ms=line["ms"],
        venue=line["venue"],
        order=line["order"],
        client_id=line["client_id"],
        coin=_coin(line["venue"], line["symbol"]),
        side=line["side"],
        price=number(line["price"]),
        quantity=number(line["quantity"]),
        fee=number(line["fee"]),
        fee_asset=line["fee_asset"],
    )


def _withdrawal(lines: Sequence[Row]) -> Withdrawal:
    first, last = lines[0], lines[-1]
    steps = {line["step"] for line in lines}
    return Withdrawal(
        n=first["n"],
        accepted_ms=first["ms"],
        venue=first["venue"],
        uuid=first["withdrawal"],
        client_id=first["client_id"],
        coin=first["coin"],
        network=first["network"],
        address=first["address"],
        tag=first["tag"],
        arrives=number(last["amount"]),
        fee=number(last["fee"]),
        left=not steps.isdisjoint(LEFT),
        ended_early=not steps.isdisjoint(ENDED_EARLY),
        over=last["step"] in OVER,
    )


def _deposit(lines: Sequence[Row]) -> Deposit:
    first, last = lines[0], lines[-1]
    return Deposit(
        n=first["n"],
        venue=first["venue"],
        uuid=first["deposit"],
        withdrawal=first["withdrawal"],
        coin=first["coin"],
        amount=number(last["amount"]),
        credited_ms=next((line["ms"] for line in lines if line["step"] in CREDITED), None),
        over=last["step"] in {"rejected", *CREDITED},
    )
