"""What the Web UI shows of a cycle: a line of its timeline for each thing that happened, and a table of all of them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.orders import OrderReport
    from kimp.contracts.status import CycleStatus
    from kimp.domain.interim_result import interim_result, traded_prices_krw
    from kimp.domain.ledger import Entry, Held
    from kimp.domain.market import Side
    from kimp.domain.money import ZERO, Asset, exact
    from kimp.domain.venues import Venue
    from kimp.domain.wording import average_price, exactly, money, won

ROWS_KEPT = 100
"""In the next run of the workflow; Temporal keeps the earlier runs, the ledger all."""
HEAD = ("| time (UTC) | so far | what |", "|---|---|---|")
GAP = "\u00a0\u00a0"
"""Between the columns, which the Web UI sets without any; what happened may be long and is cut at its end."""


class Timeline:
    """The rows of the table, each with what the cycle had come to by then."""

    def __init__(self) -> None:
        self._rows: list[str] = []
        self._prices_krw: dict[Asset, Decimal] = {}

    def see(self, entries: Sequence[Entry], krw_per_usdt: Decimal) -> None:
        """What was just booked tells prices."""
        self._prices_krw |= traded_prices_krw(entries, krw_per_usdt)

    def so_far(self, held: Held, krw_per_usdt: Decimal) -> str:
        """What the cycle has come to; nothing while nothing was gained or lost."""
        return str(interim_result(held, krw_per_usdt, self._prices_krw)) if held else ""

    def add(self, line: str, at: datetime, came_to: str) -> None:
        self._rows.append(f"| {at:%H:%M:%S}{GAP} | {came_to}{GAP} | {line} |")

    @property
    def kept(self) -> tuple[str, ...]:
        """For the next run of the workflow."""
        return tuple(self._rows[-ROWS_KEPT:])

    def restore(self, rows: Sequence[str]) -> None:
        """After those of an earlier run of the workflow."""
        self._rows = list(rows)

    def shown(self, status: CycleStatus, waiting_reason: str | None, reason: str | None) -> str:
        """All of it, as Markdown."""
        state = f"**{status}**" + (f", waiting: {waiting_reason}" if waiting_reason else "")
        why = f"\n\n{reason}" if reason else ""
        return f"{state}{why}\n\n" + "\n".join([*HEAD, *self._rows])


@exact
def traded(side: Side, venue: Venue, coin: Asset, report: OrderReport) -> str:
    """An order that was filled, at the average of its fills."""
    verb = "bought" if side is Side.BUY else "sold"
    price = average_price(report.funds / report.quantity)
    return f"{verb} {exactly(report.quantity)} {coin} at {price} {venue.cash} on {venue}, {_fees(report)}"


def _fees(report: OrderReport) -> str:
    assets = dict.fromkeys(fill.fee_asset for fill in report.fills)
    fees = [money(fee, asset) for asset in assets if (fee := report.fee_in(asset)) != ZERO]
    return f"fee {' and '.join(fees)}" if fees else "no fee"


def left(venue: Venue, coin: Asset, arrives: Decimal, fee: Decimal, txid: str | None) -> str:
    """A withdrawal that the venue has sent."""
    cost = f"fee {exactly(fee)} {coin}" if fee else "no fee"
    return f"{exactly(arrives)} {coin} on the way from {venue}, {cost}, txid {txid or 'unknown'}"


def credited(venue: Venue, coin: Asset, amount: Decimal, missing: Decimal) -> str:
    """A deposit that the venue has credited."""
    lost = f"; {exactly(missing)} {coin} are missing and written off" if missing else ""
    return f"{exactly(amount)} {coin} credited on {venue}{lost}"


def ended(status: CycleStatus, reason: str | None, profit_krw: Decimal | None) -> str:
    """The cycle's last line."""
    if profit_krw is not None:
        undone = "" if status is CycleStatus.COMPLETED else "undone, "
        return f"{undone}booked: {won(profit_krw)}"
    return f"ended {status.value.lower()}: {reason}" if reason else f"ended {status.value.lower()}"
