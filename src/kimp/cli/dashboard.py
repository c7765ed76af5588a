"""The live view's pages, as lines of one width: cycles first, then premiums, holdings and alerts."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.text import Text

from kimp.cli import views
from kimp.cli.status import state_lines, without_price
from kimp.contracts.status import CycleStatus
from kimp.domain.gates import Blocked
from kimp.domain.money import ZERO
from kimp.domain.wording import reason_in_words, roughly, won
from kimp.operations.alerts import Alert
from kimp.operations.dashboard import DashboardSnapshot
from kimp.operations.market import CoinMarket
from kimp.operations.status import Status
from kimp.ports.read_model import CycleRow

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
MOST_STATE = 4
FEW = 3
"""Lines that premiums keep while cycles would take them, and the most that alerts get."""
LONGEST_STATUS = max(map(len, CycleStatus))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows."""

    snapshot: DashboardSnapshot
    alerts: Sequence[Alert]
    selected: str | None
    """The cycle that Enter looks at."""
    starting: bool = False
    """Its processes were started just now, and may not have said yet that they run."""


def overview(shown: Shown, width: int, height: int) -> list[Text]:
    """As much as fits: every unfinished cycle first, what is left of the screen for the rest."""
    now = shown.snapshot.status
    state = [part for line in state_lines(now, starting=shown.starting) for part in _wrapped(line, width)]
    head = [*state[:MOST_STATE], _earned_line(now), Text()]
    holdings = list(holdings_lines(now))
    cycles = list(cycle_lines(shown))
    market = list(premium_lines(shown.snapshot.market))
    alerts = list(alert_lines(shown.alerts)) or [Text("no alerts", style="dim")]
    left = height - len(head) - len(holdings) - 3  # a title above cycles, premiums and alerts
    for_alerts = min(len(alerts), FEW, max(left // 4, 1))
    unfinished = sum(not row.status.terminal for row in in_order(shown.snapshot))
    room = left - for_alerts
    for_cycles = min(len(cycles), max(room - len(market), min(unfinished + 1, room - FEW), 1))
    for_market = max(min(len(market), room - for_cycles), 0)
    lines = [
        *head,
        _title(_counts(now)),
        *_cut(cycles, for_cycles),
        _title("premiums, best first"),
        *_cut(market, for_market),
        *holdings,
        _title("alerts"),
        *_cut(alerts, for_alerts),
    ]
    return [cut_to_width(line, width) for line in lines]


def _wrapped(line: Text, width: int) -> list[Text]:
    """On as many lines as it needs, for what a person has to read to its end."""
    parts = textwrap.wrap(line.plain, width, subsequent_indent="  ")
    return [Text(part, style=line.style) for part in parts]


def cut_to_width(line: Text, width: int) -> Text:
    """Cut, with a sign that it was: on the pages that look closer it is whole."""
    line.truncate(width, overflow="ellipsis")
    return line


def _cut(lines: Sequence[Text], many: int) -> Iterable[Text]:
    if len(lines) <= many:
        return lines
    if many <= 1:
        return lines[:many]
    return [*lines[: many - 1], Text(f"  and {len(lines) - many + 1} more", style="dim")]


def _title(text: str) -> Text:
    return Text(text, style="bold")


def _earned_line(now: Status) -> Text:
    line = Text()
    for name, earned in (("today", now.today), ("7 days", now.week), ("in all", now.total)):
        style = "green" if earned.profit_krw > ZERO else "red" if earned.profit_krw < ZERO else ""
        line.append(f"{name} ").append(won(earned.profit_krw), style=style).append("  ")
    return line


def _counts(now: Status) -> str:
    unfinished = f"{len(now.open)} open, {len(now.waiting)} waiting, {len(now.parked)} parked"
    return f"cycles: {unfinished}, {now.total.cycles} ended ({now.total.losing} at a loss)"


def in_order(snapshot: DashboardSnapshot) -> list[CycleRow]:
    """Those that need a person first, then what waits, what runs, and what ended last."""
    now = snapshot.status
    return [*now.parked, *now.waiting, *now.open, *(row for row in snapshot.latest if row.status.terminal)]


def cycle_lines(shown: Shown) -> Iterator[Text]:
    """One line a cycle."""
    rows = in_order(shown.snapshot)
    if not rows:
        yield Text("  none yet", style="dim")
    longest = max((len(row.cycle_id) for row in rows), default=0)
    for row in rows:
        mark = ">" if row.cycle_id == shown.selected else " "
        yield Text.assemble(
            (f"{mark} {row.cycle_id:<{longest}}  ", "bold" if mark == ">" else ""),
            (f"{row.status:<{LONGEST_STATUS}}  ", views.COLOURS.get(row.status, "cyan")),
            f"{_age(row, shown.snapshot.at_ms):>4}  ",
            _note(row),
        )


def _age(row: CycleRow, now_ms: int) -> str:
    """Since it began, waits or ended."""
    return span((now_ms - (row.closed_ms or row.waiting_since_ms or row.started_ms)) // 1000)


def span(seconds: int) -> str:
    """The largest unit only."""
    for unit, size in (("d", DAY_S), ("h", HOUR_S), ("m", MINUTE_S)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{max(seconds, 0)}s"


def _note(row: CycleRow) -> str:
    if row.status.terminal:
        return reason_in_words(row.reason) or ("-" if row.profit_krw is None else won(row.profit_krw))
    return reason_in_words(row.waiting_reason or row.reason) or (f"home by {row.route}" if row.route else "")


def premium_lines(market: Sequence[CoinMarket]) -> Iterator[Text]:
    """One line a coin."""
    if not market:
        yield Text("  no prices: is Redis there, and a feeder?", style="yellow")
    for row in sorted(market, key=_rank, reverse=True):
        premium = "-" if row.premium is None else views.percent(row.premium)
        yield Text.assemble(f"  {row.coin:<6} {premium:>9}  ", Text.from_markup(views.best_cycle(row)))


def _rank(row: CoinMarket) -> tuple[bool, Decimal]:
    """A cycle that pays before all others, then whatever is far from the others' premium."""
    if row.best is None or isinstance(row.best, Blocked):
        return False, abs(row.premium or ZERO)
    return True, row.best.net_edge


def holdings_lines(now: Status) -> Iterator[Text]:
    """One line an account, and what all is worth."""
    yield _title(f"holdings{_worth(now)}")
    accounts = dict.fromkeys(held.account for held in now.holdings)
    longest = max(map(len, accounts), default=0)
    for account in accounts:
        amounts = [
            roughly(held.amount, held.asset)
            for held in sorted(now.holdings, key=lambda held: held.worth_krw or ZERO, reverse=True)
            if held.account == account
        ]
        yield Text(f"  {account:<{longest}}  {', '.join(amounts)}")


def _worth(now: Status) -> str:
    if not now.holdings:
        return ": nothing is booked yet"
    if (missing := without_price(now)) is not None:
        return f", {missing}"
    return f", {views.whole_won(now.worth_krw)} KRW in all"


def alert_lines(alerts: Sequence[Alert]) -> Iterator[Text]:
    """Latest first."""
    for alert in alerts:
        again = f" ({alert.times} times)" if alert.times > 1 else ""
        yield Text(f"  {views.timestamp(alert.at_ms)[6:]} {alert.process}: {alert.text}{again}", style="yellow")


def alerts_page(alerts: Sequence[Alert]) -> list[Text]:
    """All of them."""
    return [
        _title("alerts, latest first"),
        *(alert_lines(alerts) if alerts else [Text("  none since kimp was started", style="dim")]),
    ]
