"""A cycle as a trade, for `kimp cycles show`."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from kimp.domain.ledger import Account
from kimp.domain.money import CONTEXT, KRW, ZERO
from kimp.domain.venues import Direction
from kimp.domain.wording import average_price, exactly, money, won
from kimp.operations.trade import CycleTrades, Moved, Traded
from kimp.ports.read_model import CycleRow


def trade_view(trade: CycleTrades, row: CycleRow) -> Group:
    """Steps, and their sum asset by asset: what stayed on each venue is what was earned there."""
    table = Table(title="steps", title_justify="left", header_style="bold")
    for name in ("what", "price", "for", "fee"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for step in trade.steps:
        table.add_row(*(_traded(step) if isinstance(step, Traded) else _moved(step)))
    left = Table(title="what stayed where", title_justify="left", header_style="bold")
    for name in ("account", "asset", "change"):
        left.add_column(name, justify="right" if name == "change" else "left")
    for (account, asset), amount in sorted(trade.left.items()):
        left.add_row(account, asset, f"{'+' if amount > ZERO else '-'}{exactly(abs(amount))}")
    return Group(table, left, Text(_result(trade, row), style="bold"))


def _result(trade: CycleTrades, row: CycleRow) -> str:
    """How the profit comes from what stayed where."""
    if row.profit_krw is None:
        return "no result yet"
    home = Direction(row.direction).source, row.home_asset
    if not any(amount for where, amount in trade.left.items() if where != home):
        return f"in all: {won(row.profit_krw)}"
    if row.home_asset == KRW:
        came_home = trade.left.get((Direction(row.direction).source, KRW), ZERO)
        worth = CONTEXT.subtract(row.profit_krw, came_home)
        return f"{won(came_home)} at home, and all else worth {won(worth)} when it ended: {won(row.profit_krw)}"
    return f"all of it was worth {won(row.profit_krw)} when it ended"


def _traded(order: Traded) -> tuple[str, str, str, str]:
    verb = "bought" if order.side == "buy" else "sold"
    fees = " and ".join(money(fee, asset) for asset, fee in order.fees.items()) or "-"
    what = f"{verb} {exactly(order.quantity)} {order.coin} on {order.account}"
    return what, average_price(order.price), money(order.funds, order.cash), fees


def _moved(step: Moved) -> tuple[str, str, str, str]:
    changes = [(account, asset, amount) for (account, asset), amount in step.changes.items()]
    arriving = next(((a, c, n) for a, c, n in changes if n > ZERO), None)
    leaving = next(((a, c, n) for a, c, n in changes if n < ZERO), None)
    fee = "-" if not step.fee or leaving is None else money(step.fee, leaving[1])
    if leaving is not None and arriving is not None:
        verb = "sent" if arriving[0] is Account.IN_TRANSIT else "received"
        place = f"from {leaving[0]}" if verb == "sent" else f"on {arriving[0]}"
        return f"{verb} {money(arriving[2], arriving[1])} {place}", "-", "-", fee
    return (
        ", ".join(f"{n:+,f} {asset} on {account}" for account, asset, n in changes) + f" ({step.name})",
        "-",
        "-",
        fee,
    )
