"""What `kimp watch` shows: a page of at most the terminal's size, or a record of each coin for scripts."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from rich.console import ConsoleDimensions, Group
from rich.text import Text

from kimp.cli.dashboard import cut_to_width
from kimp.cli.views import arrow, percent
from kimp.domain.assumed import AS_OF
from kimp.domain.discovery import Discovered
from kimp.domain.market import Quote
from kimp.domain.money import exact
from kimp.domain.venues import PAIR
from kimp.operations.watching import CoinSight

MILLION = Decimal(1_000_000)
ASSUMED = {
    "taker_fees": "of an account without a discount",
    "network_fees": f"as others measured them in {AS_OF}",
    "wallets": "open",
}
CAVEAT = "Assumed, as no key is asked for: usual fees, network fees, open wallets."


def page(
    sights: Sequence[CoinSight],
    watched: Discovered,
    usd_krw: Decimal | None,
    message: str,
    size: ConsoleDimensions | None,
) -> Group:
    """`message`: what went wrong last. `size`: None where nothing need fit."""
    ending = "" if size is None else " Ctrl-C ends."
    head = [Text(_head(sights, watched) + ending, style="bold"), _titles(official=usd_krw is not None)]
    foot = [Text(CAVEAT, style="dim")]
    if why := _why_not(sights):
        foot.insert(0, why)
    if message:
        foot.append(Text(message, style="yellow"))
    rows = [_row(sight, official=usd_krw is not None) for sight in sights]
    if size is None:
        return Group(*head, *rows, *(_left_out(watched)), *foot)
    room = max(size.height - len(head) - len(foot) - 1, 1)
    if len(rows) > room:
        rows = [*rows[: room - 1], Text(f"and {len(rows) - room + 1} more; --json tells all", style="dim")]
    lines = [*head, *rows, *[Text()] * (room - len(rows)), *foot]
    return Group(*(cut_to_width(line, size.width) for line in lines))


def _head(sights: Sequence[CoinSight], watched: Discovered) -> str:
    known = sum(sight.priced for sight in sights)
    line = f"kimchi premiums of {known} coins"
    if known < len(sights):
        line += f", waiting for {len(sights) - known} more"
    if watched.left_out:
        line += f"; {len(watched.left_out)} left out"
    return f"{line}."


def _titles(*, official: bool) -> Text:
    return Text(
        f"{'coin':<7}{'premium':>9}{'official' if official else '':>{10 if official else 0}}  "
        f"{'out, home by':<25}{'net edge':>9}{'fits KRW':>9}  decision",
        style="underline",
    )


def _row(sight: CoinSight, *, official: bool) -> Text:
    line = Text(f"{sight.coin:<7}{_percent(sight.premium_usdt):>9}")
    if official:
        line.append(f"{_percent(sight.premium_usd):>10}")
    if sight.decision is None or sight.direction is None:
        return line.append("  no prices yet", style="dim")
    plan, closed = sight.decision.plan, sight.decision.closed
    home = "" if plan is None else f", {plan.found.route.coin}"
    line.append(f"  {arrow(sight.direction) + home:<25}{_percent(sight.net_edge):>9}{_millions(sight.depth_krw):>9}  ")
    if sight.starts:
        return line.append("would start", style="green")
    return line.append(closed[0].gate.value.replace("_", " "), style="dim")


def _why_not(sights: Sequence[CoinSight]) -> Text | None:
    """Of the coin that comes nearest, where none starts."""
    first = next(iter(sights), None)
    if first is None or first.decision is None or first.starts:
        return None
    return Text(f"{first.coin}: {first.decision.closed[0].detail}", style="dim")


def _left_out(watched: Discovered) -> Iterator[Text]:
    for coin, reason in watched.left_out.items():
        yield Text(f"{coin:<7} left out: {reason}", style="dim")


def _percent(ratio: Decimal | None) -> str:
    return "-" if ratio is None else percent(ratio)


@exact
def _millions(krw: Decimal | None) -> str:
    return "-" if krw is None else f"{krw / MILLION:,.1f}M"


def record_of(sight: CoinSight, now_ms: int) -> dict[str, Any]:
    """For scripts: ratios as ratios, money in the units of its name; null for what is not known."""
    plan = None if sight.decision is None else sight.decision.plan
    closed = () if sight.decision is None else sight.decision.closed
    return {
        "at_ms": now_ms,
        "coin": sight.coin,
        "premium_usdt": sight.premium_usdt,
        "premium_usd": sight.premium_usd,
        PAIR.won: _book(sight.won, now_ms),
        PAIR.dollars: _book(sight.dollars, now_ms),
        "direction": sight.direction,
        "home_by": None if plan is None else plan.found.route.coin,
        "net_edge": sight.net_edge,
        "stake_krw": None if plan is None else plan.stake_krw,
        "depth_krw": sight.depth_krw,
        "would_start": sight.starts,
        "closed": [{"gate": gate.gate, "detail": gate.detail} for gate in closed],
        "assumed": ASSUMED,
    }


def _book(quote: Quote | None, now_ms: int) -> dict[str, Any] | None:
    if quote is None:
        return None
    return {
        "bid": quote.bid,
        "bid_size": quote.bid_size,
        "ask": quote.ask,
        "ask_size": quote.ask_size,
        "age_ms": quote.age_ms(now_ms),
    }
