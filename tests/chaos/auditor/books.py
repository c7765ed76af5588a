"""What kimp says of itself in its database, read as plain rows."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from chaos.auditor.evidence import Row, number
from chaos.auditor.names import CASH
from chaos.auditor.venue_truth import total

TERMINAL = {"COMPLETED", "REJECTED", "COMPENSATED"}
HOLDINGS = {*CASH, "in_transit"}
SURFACED = "surfaced after its fence"
WRITTEN_OFF = re.compile(r"/write-off/\d+$|/missing$")
UNHEARD = {None, "absent"}
REQUIRED = ("cycles", "ledger_entries", "ledger_postings", "order_intents", "withdrawal_intents", "halts")


@dataclass(frozen=True, slots=True)
class Entry:
    entry_id: str
    cycle_id: str | None
    booked_ms: int
    postings: tuple[tuple[str, str, Decimal], ...]
    """Account, asset, amount."""

    def movement(self) -> dict[tuple[str, str], Decimal]:
        return total(self.postings)


@dataclass(frozen=True, slots=True)
class OrderIntent:
    client_id: str
    run_id: str
    """The cycle's run that journalled it, and so the one that may send."""
    cycle_id: str
    first_asked_ms: int
    venue: str
    coin: str
    side: str
    quantity: Decimal
    limit: Decimal
    surfaced: bool
    """The sweep found that it had filled, and booked that itself."""
    unheard: bool
    """No answer of the venue has told what became of it."""
    asked_by: str | None
    """The mark of the call that journalled it; two orders of one mark are a pair."""


@dataclass(frozen=True, slots=True)
class WithdrawalIntent:
    transfer_id: str
    cycle_id: str
    first_asked_ms: int
    venue: str
    coin: str
    amount: Decimal
    venue_id: str | None

    @property
    def uuid(self) -> str | None:
        """Binance tells its id without dashes."""
        return None if self.venue_id is None else plain_id(self.venue_id)


@dataclass(frozen=True, slots=True)
class Halt:
    from_ms: int
    level: int


@dataclass(frozen=True, slots=True)
class Books:
    cycles: Mapping[str, Row]
    entries: Sequence[Entry]
    orders: Mapping[str, OrderIntent]
    withdrawals: Mapping[str, WithdrawalIntent]
    halts: Sequence[Halt]
    reservations: Sequence[Row] | None
    """None: this kimp keeps none."""
    capital: Sequence[Row] | None
    stock: Sequence[Row] | None
    stock_reservations: Sequence[Row]

    @classmethod
    def of(cls, tables: Mapping[str, Sequence[Row]]) -> "Books":
        """Raises KeyError or ValueError for tables of another form."""
        if missing := [name for name in REQUIRED if name not in tables]:
            raise ValueError(f"the database lacks {', '.join(missing)}")
        return cls(
            cycles={row["cycle_id"]: row for row in tables["cycles"]},
            entries=_entries(tables),
            orders={row["client_order_id"]: _order(row) for row in tables["order_intents"]},
            withdrawals={row["transfer_id"]: _withdrawal(row) for row in tables["withdrawal_intents"]},
            halts=[Halt(row["set_ms"], row["level"]) for row in sorted(tables["halts"], key=lambda row: row["id"])],
            reservations=tables.get("reservations"),
            capital=tables.get("capital"),
            stock=tables.get("stock"),
            stock_reservations=tables.get("stock_reservations", ()),
        )

    @property
    def open_cycles(self) -> set[str]:
        """Begun, by any table, and not ended by the read model."""
        begun = {intent.cycle_id for intent in self.orders.values()} | self.cycles.keys()
        return {cycle for cycle in begun if not self.ended(cycle)}

    def ended(self, cycle_id: str) -> bool:
        """By the read model."""
        return cycle_id in self.cycles and self.cycles[cycle_id]["status"] in TERMINAL

    @property
    def paired(self) -> set[str]:
        """Cycles that sold coins of the stock at the instant at which they bought others."""
        marks = Counter(intent.asked_by for intent in self.orders.values())
        return {intent.cycle_id for intent in self.orders.values() if intent.asked_by and marks[intent.asked_by] > 1}

    @property
    def reserving(self) -> set[str]:
        """Cycles whose cash is still set aside."""
        return {row["cycle_id"] for row in self.reservations or () if row["released_ms"] is None}

    def balances(self) -> dict[tuple[str, str], Decimal]:
        return total(posting for entry in self.entries for posting in entry.postings)

    def holdings(self) -> dict[str, dict[tuple[str, str], Decimal]]:
        """What each cycle gained and lost on the venues and in transit."""
        changes: dict[str, list[tuple[str, str, Decimal]]] = {}
        for entry in self.entries:
            if entry.cycle_id is not None:
                changes.setdefault(entry.cycle_id, []).extend(p for p in entry.postings if p[0] in HOLDINGS)
        return {cycle: total(postings) for cycle, postings in changes.items()}

    def written_off(self) -> dict[str, dict[tuple[str, str], Decimal]]:
        """What a person declared lost of each cycle, or a deposit lacked that came short."""
        gone: dict[str, list[tuple[str, str, Decimal]]] = {}
        for entry in self.entries:
            if entry.cycle_id is not None and WRITTEN_OFF.search(entry.entry_id):
                gone.setdefault(entry.cycle_id, []).extend(p for p in entry.postings if p[0] not in HOLDINGS)
        return {cycle: total(postings) for cycle, postings in gone.items()}


def plain_id(venue_id: str) -> str:
    return venue_id.replace("-", "")


def _entries(tables: Mapping[str, Sequence[Row]]) -> list[Entry]:
    postings: dict[str, list[Row]] = {row["entry_id"]: [] for row in tables["ledger_entries"]}
    for row in tables["ledger_postings"]:
        postings[row["entry_id"]].append(row)
    return [
        Entry(
            row["entry_id"],
            row["cycle_id"],
            row["booked_ms"],
            tuple((p["account"], p["asset"], number(p["amount"])) for p in postings[row["entry_id"]]),
        )
        for row in tables["ledger_entries"]
    ]


def _order(row: Row) -> OrderIntent:
    return OrderIntent(
        client_id=row["client_order_id"],
        run_id=row["run_id"],
        cycle_id=row["cycle_id"],
        first_asked_ms=row["first_asked_ms"],
        venue=row["venue"],
        coin=row["coin"],
        side=row["side"],
        quantity=number(row["quantity"]),
        limit=number(row["limit_price"]),
        surfaced=row.get("reason") == SURFACED,
        unheard=row["outcome"] in UNHEARD,
        asked_by=row.get("asked_by"),
    )


def _withdrawal(row: Row) -> WithdrawalIntent:
    return WithdrawalIntent(
        transfer_id=row["transfer_id"],
        cycle_id=row["cycle_id"],
        first_asked_ms=row["first_asked_ms"],
        venue=row["venue"],
        coin=row["coin"],
        amount=number(row["amount"]),
        venue_id=row["venue_id"],
    )
