"""What people see: tables of cycles, premiums and checks. Formatting only."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from initiator.explain import CoinExplanation
from kimp.contracts.status import CycleStatus
from kimp.domain.ledger import Entry
from kimp.domain.legs import Blocked, MarketView
from kimp.domain.market import Direction, Venue
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Limits, evaluate
from kimp.domain.premium import coin_premium, mid
from kimp.ports.books import CycleRow

COLOURS = {
    CycleStatus.COMPLETED: "green",
    CycleStatus.REJECTED: "yellow",
    CycleStatus.COMPENSATED: "yellow",
    CycleStatus.DEAD_LETTER: "red",
}
ARROWS = {Direction.TO_UPBIT.value: "Binance>Upbit", Direction.TO_BINANCE.value: "Upbit>Binance"}


WIDE = 120
"""Columns, where there is no terminal to ask: every table fits, and no id is cut off in a file or a pipe."""


def console() -> Console:
    """For standard output."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else WIDE)


def won(amount: Decimal | None) -> str:
    """Whole won with separators; a dash where there is none yet."""
    return "-" if amount is None else f"{amount:,.0f}"


def percent(ratio: Decimal) -> str:
    return f"{ratio * 100:+.2f} %"


def instant(ms: int | None) -> str:
    return "-" if ms is None else f"{datetime.fromtimestamp(ms / 1000, UTC):%m-%d %H:%M:%S}"


def moment(ms: int) -> str:
    """To the millisecond, for what happens quickly."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{at:%m-%d %H:%M:%S}.{ms % 1000:03d}"


def cycles_table(rows: Iterable[CycleRow], title: str = "cycles") -> Table:
    """One line per cycle; it fits into 100 columns."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in ("cycle", "leg one", "home by", "status", "spent", "returned", "KRW", "s"):
        table.add_column(name, justify="right" if name in {"spent", "returned", "KRW", "s"} else "left", no_wrap=True)
    for row in rows:
        end = row.closed_ms or row.updated_ms
        table.add_row(
            row.cycle_id,
            ARROWS[row.direction],
            row.route or "-",
            f"[{COLOURS.get(row.status, 'cyan')}]{row.status}[/]",
            cash(row.spent, row.home_asset),
            cash(row.returned, row.home_asset),
            won(row.profit_krw),
            f"{(end - row.started_ms) / 1000:.1f}",
        )
        if note := row.waiting_reason or row.reason:
            table.add_row("", Text(note, style="dim", overflow="fold"))
    return table


def cash(amount: Decimal | None, asset: Asset | None) -> str:
    """Whole won, cents of USDT."""
    if amount is None:
        return "-"
    return f"{amount:,.0f} KRW" if asset == Venue.UPBIT.cash else f"{amount:,.2f} {asset}"


def premiums_table(view: MarketView, coins: Sequence[Asset], limits: Limits, now_ms: int) -> Table:
    """Both books and the premium of each coin, and what stands between it and a cycle."""
    table = Table(title="market", title_justify="left", header_style="bold")
    for name in ("coin", "Upbit KRW", "Binance USDT", "premium", "best cycle now"):
        table.add_column(name, justify="left" if name in {"coin", "best cycle now"} else "right")
    dollar = view.quotes.get((Venue.UPBIT, USDT))
    for coin in coins:
        upbit, binance = view.quotes.get((Venue.UPBIT, coin)), view.quotes.get((Venue.BINANCE, coin))
        if upbit is None or binance is None or dollar is None:
            table.add_row(coin, "-", "-", "-", "no quotes yet")
            continue
        premium = coin_premium(upbit, binance, mid(dollar))
        table.add_row(
            coin,
            f"{mid(upbit):,f}",
            f"{mid(binance):,f}",
            percent(premium),
            best_cycle(view, coin, coins, limits, now_ms),
        )
    return table


def best_cycle(view: MarketView, coin: Asset, coins: Sequence[Asset], limits: Limits, now_ms: int) -> str:
    """The opportunity in either direction, or the gate that is nearest to opening."""
    direction = _richer_direction(view, coin)
    found = evaluate(view, coin, direction, (*coins, USDT), limits, now_ms)
    if isinstance(found, Blocked):
        return f"[dim]{ARROWS[direction]}: {found.gate}, {escape(found.detail)}[/]"
    return f"[green]{ARROWS[direction]}, home by {found.route.coin}: {percent(found.net_edge)}[/]"


def _richer_direction(view: MarketView, coin: Asset) -> Direction:
    """A coin dearer on Upbit than USDT is goes to Upbit, a cheaper one to Binance."""
    upbit, binance = view.quotes[Venue.UPBIT, coin], view.quotes[Venue.BINANCE, coin]
    premium = coin_premium(upbit, binance, mid(view.quotes[Venue.UPBIT, USDT]))
    return Direction.TO_UPBIT if premium > 0 else Direction.TO_BINANCE


def exactly(amount: Decimal) -> str:
    """Every digit, without the zeros that a venue writes behind them."""
    text = f"{amount:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def balance_table(pairs: Mapping[tuple[str, Asset], tuple[Decimal, Decimal]]) -> Table:
    """The ledger beside the venue's own truth."""
    table = Table(title="ledger against the venues", title_justify="left", header_style="bold")
    for name in ("account", "asset", "ledger", "venue", "difference"):
        table.add_column(name, justify="left" if name in {"account", "asset"} else "right")
    for (account, asset), (ours, theirs) in sorted(pairs.items()):
        same = ours == theirs
        table.add_row(
            account, asset, exactly(ours), exactly(theirs), "[green]0[/]" if same else f"[red]{ours - theirs:+,f}[/]"
        )
    return table


def cycle_card(row: CycleRow) -> Table:
    """Everything that the read model knows of one cycle."""
    table = Table(title=row.cycle_id, title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    facts = {
        "leg one": f"{row.coin}, {ARROWS[row.direction]}",
        "status": row.status,
        "waiting for": row.waiting_reason,
        "waiting since (UTC)": instant(row.waiting_since_ms),
        "next look (UTC)": instant(row.next_check_ms),
        "reason": row.reason,
        "premium at start": percent(row.premium),
        "expected edge": percent(row.expected_edge),
        "trading settings": "as configured" if row.settings_version is None else f"version {row.settings_version}",
        "home by": row.route,
        "spent": cash(row.spent, row.home_asset),
        "returned": cash(row.returned, row.home_asset),
        "profit KRW": won(row.profit_krw),
        "started (UTC)": instant(row.started_ms),
        "ended (UTC)": instant(row.closed_ms),
    }
    for name, value in facts.items():
        table.add_row(name, Text(value or "-"))
    return table


def entries_table(entries: Iterable[Entry]) -> Table:
    """The cycle's ledger entries; each sums to zero in every asset."""
    table = Table(title="ledger entries", title_justify="left", header_style="bold")
    for name in ("entry", "account", "amount", "asset"):
        table.add_column(name, justify="right" if name == "amount" else "left")
    for entry in entries:
        for number, posting in enumerate(entry.postings):
            table.add_row("" if number else entry.entry_id, posting.account, f"{posting.amount:+,f}", posting.asset)
    return table


def explanation_table(told: CoinExplanation) -> Table:
    """Both premiums, and for each direction the cycle that pays or the gate that is closed."""
    table = Table(title=f"why {told.coin}", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("premium against KRW-USDT", "-" if told.premium_usdt is None else percent(told.premium_usdt))
    if told.premium_usd is not None:
        table.add_row("premium against USD/KRW", percent(told.premium_usd))
    for direction, verdict in told.directions.items():
        if isinstance(verdict, Blocked):
            text = f"[yellow]{verdict.gate}[/]: {escape(verdict.detail)}"
        else:
            text = f"[green]pays[/] {percent(verdict.net_edge)}, home by {verdict.route.coin}"
        table.add_row(ARROWS[direction], text)
    gate = told.admission
    table.add_row(
        "a new cycle", "[green]allowed[/]" if gate is None else f"[yellow]{gate.gate}[/]: {escape(gate.detail)}"
    )
    return table
