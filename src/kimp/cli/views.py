"""What people see: tables of cycles, premiums and checks. Formatting only."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kimp.contracts.status import CycleStatus
from kimp.domain.decision import Decision
from kimp.domain.gates import Blocked
from kimp.domain.ledger import Entry
from kimp.domain.money import CONTEXT, Asset, exact
from kimp.domain.premium import mid
from kimp.domain.venues import PAIR, Direction
from kimp.domain.wording import exactly, money, reason_in_words
from kimp.operations.market import CoinMarket
from kimp.operations.why import CoinExplanation
from kimp.ports.read_model import CycleRow

COLOURS = {
    CycleStatus.COMPLETED: "green",
    CycleStatus.REJECTED: "yellow",
    CycleStatus.COMPENSATED: "yellow",
    CycleStatus.DEAD_LETTER: "red",
}


@exact
def whole_won(amount: Decimal | None) -> str:
    """Whole won with separators; a dash where there is none yet."""
    return "-" if amount is None else f"{amount:,.0f}"


def arrow(direction: Direction) -> str:
    return f"{direction.source.title()}>{direction.destination.title()}"


@exact
def percent(ratio: Decimal) -> str:
    return f"{ratio * 100:+.2f} %"


def timestamp(ms: int | None) -> str:
    return "-" if ms is None else f"{datetime.fromtimestamp(ms / 1000, UTC):%m-%d %H:%M:%S}"


def moment(ms: int) -> str:
    """To the millisecond, for what happens quickly."""
    at = datetime.fromtimestamp(ms / 1000, UTC)
    return f"{at:%m-%d %H:%M:%S}.{ms % 1000:03d}"


def cash(amount: Decimal | None, asset: Asset | None) -> str:
    return "-" if amount is None or asset is None else money(amount, asset)


def premiums_table(market: Iterable[CoinMarket]) -> Table:
    """Both books and the premium of each coin, and what stands between it and a cycle."""
    table = Table(title="market", title_justify="left", header_style="bold")
    for name in ("coin", *(f"{venue.title()} {venue.cash}" for venue in PAIR), "premium", "best cycle now"):
        table.add_column(name, justify="left" if name in {"coin", "best cycle now"} else "right")
    for row in market:
        if row.won is None or row.dollars is None or row.premium is None:
            table.add_row(row.coin, "-", "-", "-", "no quotes yet")
            continue
        table.add_row(row.coin, f"{mid(row.won):,f}", f"{mid(row.dollars):,f}", percent(row.premium), best_cycle(row))
    return table


def best_cycle(row: CoinMarket) -> str:
    """What it would earn, or the market's gate that is closed."""
    if row.direction is None or row.best is None:
        return "-"
    if isinstance(row.best, Blocked):
        return f"[dim]{arrow(row.direction)}: no, {escape(row.best.detail)}[/]"
    return f"[green]{arrow(row.direction)}, home by {row.best.route.coin}: {percent(row.best.net_edge)}[/]"


def balance_table(pairs: Mapping[tuple[str, Asset], tuple[Decimal, Decimal | None]]) -> Table:
    """The ledger beside the venue's own truth."""
    table = Table(title="ledger against the venues", title_justify="left", header_style="bold")
    for name in ("account", "asset", "ledger", "venue", "difference"):
        table.add_column(name, justify="left" if name in {"account", "asset"} else "right")
    for (account, asset), (ours, theirs) in sorted(pairs.items()):
        if theirs is None:
            table.add_row(account, asset, exactly(ours), "unreadable", "[red]unknown[/]")
            continue
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
        "leg one": f"{row.coin}, {arrow(Direction(row.direction))}",
        "status": row.status,
        "waiting for": reason_in_words(row.waiting_reason),
        "waiting since (UTC)": timestamp(row.waiting_since_ms),
        "next look (UTC)": timestamp(row.next_check_ms),
        "reason": reason_in_words(row.reason),
        "premium at start": percent(row.premium),
        "expected": f"{percent(row.expected_edge)} after all costs, by the prices at its start",
        "earned": _earned(row),
        "trading settings": "as configured" if row.settings_version is None else f"version {row.settings_version}",
        "home by": row.route,
        "spent": cash(row.spent, row.home_asset),
        "returned": cash(row.returned, row.home_asset),
        "profit KRW": whole_won(row.profit_krw),
        "started (UTC)": timestamp(row.started_ms),
        "ended (UTC)": timestamp(row.closed_ms),
    }
    for name, value in facts.items():
        table.add_row(name, Text(value or "-"))
    return table


def _earned(row: CycleRow) -> str | None:
    """As a part of what was spent. Only won can be compared with a profit in won."""
    if row.profit_krw is None or not row.spent or row.home_asset != PAIR.won.cash:
        return None
    part = percent(CONTEXT.divide(row.profit_krw, row.spent))
    return f"{part} of what it spent; prices move meanwhile"


def entries_list(entries: Sequence[Entry]) -> Group:
    """The cycle's ledger entries; each sums to zero in every asset. An id is as long as the venue's own: it gets a line
    to itself, so that it is never cut.
    """
    accounts = max((len(posting.account) for entry in entries for posting in entry.postings), default=0)
    amounts = max((len(_signed(posting.amount)) for entry in entries for posting in entry.postings), default=0)
    lines = [Text("ledger entries", style="italic")]
    for entry in entries:
        lines.append(Text(entry.entry_id, style="bold"))
        lines += [
            Text(f"    {posting.account:<{accounts}}  {_signed(posting.amount):>{amounts}} {posting.asset}")
            for posting in entry.postings
        ]
    return Group(*lines)


def _signed(amount: Decimal) -> str:
    return f"{amount:+,f}"


def explanation_table(reported: CoinExplanation) -> Table:
    """Both premiums, and for each direction the cycle as it would start and every gate that is closed."""
    table = Table(title=f"why {reported.coin}", title_justify="left", show_header=False)
    table.add_column(style="bold")
    table.add_column()
    table.add_row("premium against KRW-USDT", "-" if reported.premium_usdt is None else percent(reported.premium_usdt))
    if reported.premium_usd is not None:
        table.add_row("premium against USD/KRW", percent(reported.premium_usd))
    for direction, decision in reported.directions.items():
        table.add_row(arrow(direction), "\n".join(_decision_lines(decision)))
    return table


def _decision_lines(decision: Decision) -> Iterable[str]:
    """The first closed gate is the one that an initiator counts, so it is marked."""
    if not decision.closed:
        yield "[green]a cycle may start[/]"
    for number, gate in enumerate(decision.closed):
        yield f"{'[yellow]>' if number == 0 else '[dim] '} {gate.gate}[/]: {escape(gate.detail)}"
    if (plan := decision.plan) is not None:
        stake = whole_won(Decimal(plan.stake_krw))
        yield f"  {percent(plan.found.net_edge)} after all costs, home by {plan.found.route.coin}, with {stake} KRW"
