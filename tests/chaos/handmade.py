"""Evidence written by hand: one cycle that goes to Upbit with XRP and comes home with USDT, and all that tells of it.

The venue's journal, the database and the history are made by separate code on purpose: they agree because the numbers
below do, and a test breaks one of them at a time.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from chaos.auditor.evidence import Call, Circumstances, Evidence, Place, Workflow

CYCLE = "XRP-1"
RUN = "0c1d"
START_MS = 1_800_000_000_000
ALLOWED = {
    ("binance", "XRP"): Place("XRP", "rUpbit", "7"),
    ("upbit", "USDT"): Place("TRX", "Tbinance", None),
}
Change = Callable[["Pages"], None]


@dataclass
class Pages:
    """The sources, open for changes."""

    journal: list[dict[str, Any]]
    tables: dict[str, list[dict[str, Any]]]
    workflow: Workflow
    circumstances: Circumstances
    differences: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    later: list[Workflow] = field(default_factory=list)
    """Runs that went on with the cycle."""

    def evidence(self) -> Evidence:
        """With the journal numbered anew, so that a change may add and remove lines."""
        lines = [{**line, "n": n} for n, line in enumerate(self.journal, 1)]
        runs = [self.workflow, *self.later]
        return Evidence(lines, self.tables, runs, self.differences, self.leaks, self.circumstances)

    def lines(self, kind: str, **facts: object) -> list[dict[str, Any]]:
        return [line for line in self.journal if line["kind"] == kind and facts.items() <= line.items()]

    def line(self, kind: str, **facts: object) -> dict[str, Any]:
        return self.lines(kind, **facts)[0]

    def row(self, table: str, **facts: object) -> dict[str, Any]:
        return next(row for row in self.tables[table] if facts.items() <= row.items())

    def add_entry(self, name: str, cycle: str | None, booked_ms: int, *postings: tuple[str, str, str]) -> None:
        self.tables["ledger_entries"].append({"entry_id": name, "cycle_id": cycle, "booked_ms": booked_ms})
        self.tables["ledger_postings"] += [
            {"entry_id": name, "line": line, "account": account, "asset": asset, "amount": amount}
            for line, (account, asset, amount) in enumerate(postings)
        ]

    def drop_entry(self, name: str) -> None:
        for table in ("ledger_entries", "ledger_postings"):
            self.tables[table] = [row for row in self.tables[table] if row["entry_id"] != name]

    def ask(self, activity: str, number: int, **changes: object) -> None:
        """Change the input of the `number`th call of an activity."""
        calls = list(self.workflow.calls)
        index = [i for i, call in enumerate(calls) if call.activity == activity][number]
        calls[index] = replace(calls[index], asked={**calls[index].asked, **changes})
        self.workflow = replace(self.workflow, calls=tuple(calls))


def clean() -> Pages:
    opening = {"detected_at_ms": START_MS, "quoted_at_ms": START_MS - 900}
    workflow = Workflow("cycle-XRP-1", RUN, "COMPLETED", START_MS, _calls(), opening=opening)
    reported = Circumstances(
        ALLOWED,
        order_cap_krw=Decimal(1_000_000),
        krw_per_usdt=Decimal(1475),
        settled_s=12,
        settle_limit_s=60,
        max_quote_age_ms=2_000,
        price_band=Decimal("0.01"),
        fee_rates={"binance": Decimal("0.001"), "upbit": Decimal("0.0005")},
    )
    return Pages(_journal(), _tables(), workflow, reported)


# The venue's journal.


def _journal() -> list[dict[str, Any]]:
    paper = _Paper()
    paper.balance("binance", "USDT", "1000")
    paper.balance("upbit", "KRW", "1000000")
    paper.order("binance", "XRPUSDT", "XRP-1-1B1-1", "buy", "100", "2.01")
    paper.fill("binance", "XRPUSDT", "XRP-1-1B1-1", "buy", "2", "100", "0.1", "XRP")
    paper.balance("binance", "USDT", "800")
    paper.balance("binance", "XRP", "99.9")
    paper.withdrawal("binance", "w-1", "XRP-1-1W-1", "XRP", "99.7", "0.2", ALLOWED["binance", "XRP"])
    paper.balance("binance", "XRP", "0")
    paper.deposit("upbit", "d-1", "XRP", "99.7", "tx-w-1")
    paper.balance("upbit", "XRP", "99.7")
    paper.order("upbit", "KRW-XRP", "XRP-1-1S1-1", "sell", "99.7", "2990")
    paper.fill("upbit", "KRW-XRP", "XRP-1-1S1-1", "sell", "3000", "99.7", "149.55", "KRW")
    paper.balance("upbit", "XRP", "0")
    paper.order("upbit", "KRW-USDT", "XRP-1-HB1-1", "buy", "200", "1477")
    paper.fill("upbit", "KRW-USDT", "XRP-1-HB1-1", "buy", "1475", "200", "147.5", "KRW")
    paper.balance("upbit", "USDT", "200")
    paper.balance("upbit", "KRW", "1003802.95")
    paper.withdrawal("upbit", "w-2", None, "USDT", "199", "1", ALLOWED["upbit", "USDT"])
    paper.balance("upbit", "USDT", "0")
    paper.deposit("binance", "d-2", "USDT", "199", "tx-w-2")
    paper.balance("binance", "USDT", "999")
    return paper.lines


class _Paper:
    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self._ms = START_MS

    def write(self, kind: str, **facts: object) -> None:
        self.lines.append({"ms": self._ms, "kind": kind, **facts})
        self._ms += 1_000

    def balance(self, venue: str, asset: str, balance: str) -> None:
        self.write("balance", venue=venue, asset=asset, balance=balance)

    def order(self, venue: str, symbol: str, name: str, side: str, quantity: str, limit: str) -> None:
        """`limit` is half a percent off the best price of its side."""
        own = Decimal(limit) / (Decimal("1.005") if side == "buy" else Decimal("0.995"))
        top = {"bid": str(own), "ask": str(own)}
        what = {"symbol": symbol, "side": side, "quantity": quantity, "limit": limit, **top}
        self.write("order", venue=venue, order=f"o-{name}", client_id=name, **what)

    def fill(
        self, venue: str, symbol: str, name: str, side: str, price: str, quantity: str, fee: str, fee_asset: str
    ) -> None:
        who = {"order": f"o-{name}", "client_id": name, "symbol": symbol, "side": side}
        self.write("fill", venue=venue, **who, price=price, quantity=quantity, fee=fee, fee_asset=fee_asset)
        self.lines.append({**self.lines[-1], "kind": "order_closed", "state": "filled"})

    def withdrawal(
        self, venue: str, uuid: str, client_id: str | None, coin: str, amount: str, fee: str, to: Place
    ) -> None:
        where = {"network": to.network, "address": to.address, "tag": to.tag}
        what = {"withdrawal": uuid, "client_id": client_id, "coin": coin, "amount": amount, "fee": fee, **where}
        for step in ("accepted", "broadcast", "confirmed"):
            txid = None if step == "accepted" else f"tx-{uuid}"
            self.write("withdrawal", venue=venue, **what, step=step, txid=txid)

    def deposit(self, venue: str, uuid: str, coin: str, amount: str, txid: str) -> None:
        for step in ("seen", "credited"):
            what = {"deposit": uuid, "withdrawal": txid.removeprefix("tx-"), "coin": coin, "amount": amount}
            self.write("deposit", venue=venue, **what, step=step, txid=txid)


# The database.

ENTRIES: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "XRP-1-1B1-1/t1": [
        ("binance", "XRP", "100"),
        ("market", "XRP", "-100"),
        ("binance", "USDT", "-200"),
        ("market", "USDT", "200"),
        ("binance", "XRP", "-0.1"),
        ("fees", "XRP", "0.1"),
    ],
    "XRP-1-1W-1/out": [("binance", "XRP", "-99.9"), ("in_transit", "XRP", "99.7"), ("fees", "XRP", "0.2")],
    "XRP-1-1W-1/in": [("in_transit", "XRP", "-99.7"), ("upbit", "XRP", "99.7")],
    "XRP-1-1S1-1/t2": [
        ("upbit", "XRP", "-99.7"),
        ("market", "XRP", "99.7"),
        ("upbit", "KRW", "299100"),
        ("market", "KRW", "-299100"),
        ("upbit", "KRW", "-149.55"),
        ("fees", "KRW", "149.55"),
    ],
    "XRP-1-HB1-1/t3": [
        ("upbit", "USDT", "200"),
        ("market", "USDT", "-200"),
        ("upbit", "KRW", "-295000"),
        ("market", "KRW", "295000"),
        ("upbit", "KRW", "-147.5"),
        ("fees", "KRW", "147.5"),
    ],
    "XRP-1-HW-1/out": [("upbit", "USDT", "-200"), ("in_transit", "USDT", "199"), ("fees", "USDT", "1")],
    "XRP-1-HW-1/in": [("in_transit", "USDT", "-199"), ("binance", "USDT", "199")],
}
OPENING: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "opening/upbit": [("external", "KRW", "-1000000"), ("upbit", "KRW", "1000000")],
    "opening/binance": [("external", "USDT", "-1000"), ("binance", "USDT", "1000")],
}


def _tables() -> dict[str, list[dict[str, Any]]]:
    entries = {**OPENING, **ENTRIES}
    return {
        "cycles": [_cycle_row()],
        "ledger_entries": [
            {"entry_id": name, "cycle_id": None if name in OPENING else CYCLE, "booked_ms": START_MS}
            for name in entries
        ],
        "ledger_postings": [
            {"entry_id": name, "line": line, "account": account, "asset": asset, "amount": amount}
            for name, postings in entries.items()
            for line, (account, asset, amount) in enumerate(postings)
        ],
        "order_intents": [
            _order_intent("XRP-1-1B1-1", "binance", "XRP", "buy", "100", "2.01"),
            _order_intent("XRP-1-1S1-1", "upbit", "XRP", "sell", "99.7", "2990"),
            _order_intent("XRP-1-HB1-1", "upbit", "USDT", "buy", "200", "1477"),
        ],
        "withdrawal_intents": [
            _withdrawal_intent("XRP-1-1W-1", "binance", "XRP", "99.9", "w1"),
            _withdrawal_intent("XRP-1-HW-1", "upbit", "USDT", "199", "w-2"),
        ],
        "halts": [],
        "reservations": [
            {
                "cycle_id": CYCLE,
                "venue": "binance",
                "asset": "USDT",
                "amount": "201",
                "made_ms": START_MS + 2_000,
                "released_ms": START_MS + 30_000,
            }
        ],
        "capital": [
            {"venue": "binance", "asset": "USDT", "free": "999"},
            {"venue": "upbit", "asset": "KRW", "free": "1003802.95"},
        ],
    }


def _cycle_row() -> dict[str, Any]:
    return {
        "cycle_id": CYCLE,
        "coin": "XRP",
        "number": 1,
        "direction": "to_upbit",
        "status": "COMPLETED",
        "sequence": 8,
        "waiting_reason": None,
        "waiting_since_ms": None,
        "next_check_ms": None,
        "reason": None,
        "home_asset": "USDT",
        "spent": "200",
        "returned": "199",
        "route": "USDT",
        "profit_krw": "2327.95",
        "expected_edge": "0.01",
        "premium": "0.02",
        "workflow_run_id": RUN,
        "started_ms": START_MS,
        "updated_ms": START_MS + 30_000,
        "closed_ms": START_MS + 30_000,
    }


def _order_intent(name: str, venue: str, coin: str, side: str, quantity: str, limit: str) -> dict[str, Any]:
    asked = next(line["ms"] for line in _journal() if line["kind"] == "order" and line["client_id"] == name) - 50
    what = {"venue": venue, "coin": coin, "side": side, "quantity": quantity, "limit_price": limit}
    reported = {"outcome": "filled", "reason": None}
    return {"client_order_id": name, "cycle_id": CYCLE, "run_id": RUN, "first_asked_ms": asked, **what, **reported}


def _withdrawal_intent(name: str, venue: str, coin: str, amount: str, venue_id: str) -> dict[str, Any]:
    asked = next(line["ms"] for line in _journal() if line["kind"] == "withdrawal" and line["coin"] == coin) - 50
    what = {"venue": venue, "coin": coin, "amount": amount, "venue_id": venue_id}
    return {"transfer_id": name, "cycle_id": CYCLE, "run_id": RUN, "first_asked_ms": asked, **what}


# The history.


def _calls() -> tuple[Call, ...]:
    orders = [
        Call("execute_order", {"client_order_id": name, "run_id": RUN, "expires_at_ms": expires}, done=True)
        for name, expires in (
            ("XRP-1-1B1-1", START_MS + 5_000),
            ("XRP-1-1S1-1", START_MS + 3_600_000),
            ("XRP-1-HB1-1", START_MS + 3_600_000),
        )
    ]
    records = [_record(number, [name]) for number, name in enumerate(ENTRIES, 1)]
    return (*orders, *records, _record(len(ENTRIES) + 1, []))


def _record(sequence: int, entries: Sequence[str]) -> Call:
    last = sequence > len(ENTRIES)
    asked = {
        "cycle_id": CYCLE,
        "workflow_run_id": RUN,
        "coin": "XRP",
        "direction": "to_upbit",
        "status": "COMPLETED" if last else "STARTED",
        "sequence": sequence,
        "waiting_reason": None,
        "waiting_since_ms": None,
        "next_check_ms": None,
        "reason": None,
        "spent": {"amount": "200", "asset": "USDT"},
        "returned": {"amount": "199", "asset": "USDT"} if last else None,
        "route": "USDT" if last else None,
        "profit_krw": "2327.95" if last else None,
        "detected_at_ms": START_MS,
        "at_ms": START_MS + 30_000 if last else START_MS + 1_000 * sequence,
        "entries": [
            {
                "entry_id": name,
                "cycle_id": CYCLE,
                "postings": [{"account": a, "asset": c, "amount": n} for a, c, n in ENTRIES[name]],
            }
            for name in entries
        ],
    }
    return Call("record", asked, done=True)


def broken(change: Change) -> Evidence:
    """The clean evidence after one change."""
    pages = deepcopy(clean())
    change(pages)
    return pages.evidence()
