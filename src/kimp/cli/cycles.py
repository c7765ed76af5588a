"""`kimp cycles`: lists of cycles, one as a trade, and what is parked."""

from dataclasses import asdict

from rich.markup import escape

from kimp.bootstrap.parts import CLOCK, open_bus, open_database
from kimp.cli import terminal, views
from kimp.cli.cycles_table import CyclesTable
from kimp.cli.trade_view import trade_view
from kimp.config import load
from kimp.contracts.status import CycleStatus
from kimp.domain.durations import DAY_MS
from kimp.domain.ledger import Held
from kimp.domain.money import ZERO, Asset
from kimp.domain.wording import reason_in_words, won
from kimp.operations.cycles import cycle, kept_elsewhere
from kimp.operations.stuck import stuck_cycles
from kimp.operations.trade import trade_of

console = terminal.console()


async def list_cycles(
    status: CycleStatus | None, coin: str | None, days: float | None, limit: int, *, as_json: bool
) -> None:
    """Latest first, and the sum of their results."""
    since_ms = 0 if days is None else CLOCK.now_ms() - int(days * DAY_MS)
    of = None if coin is None else Asset(coin.upper())
    async with open_database(load()) as database:
        rows = await database.read_model.cycles(limit=limit, status=status, coin=of, since_ms=since_ms)
        elsewhere = await kept_elsewhere(database, rows)
    if as_json:
        terminal.print_json([{**asdict(row), "elsewhere": _listed(elsewhere.get(row.cycle_id, {}))} for row in rows])
        return
    console.print(CyclesTable(rows, elsewhere=elsewhere))
    ended = [row.profit_krw for row in rows if row.profit_krw is not None]
    if ended:
        text = f"{len(ended)} of these {len(rows)} have a result: {won(sum(ended, ZERO))}"
        console.print(f"{text} (returned - spent + left elsewhere)")


def _listed(held: Held) -> list[dict[str, object]]:
    return [{"account": account, "asset": asset, "amount": amount} for (account, asset), amount in held.items()]


async def show_cycle(cycle_id: str, *, entries: bool, as_json: bool) -> None:
    """As a trade."""
    async with open_database(load()) as database:
        found = await cycle(database, cycle_id)
    if as_json:
        terminal.print_json({**asdict(found.row), "entries": [asdict(entry) for entry in found.entries]})
        return
    console.print(views.cycle_card(found.row))
    console.print(trade_view(trade_of(found.entries), found.row))
    if entries:
        console.print(views.entries_list(found.entries))


async def show_parked(*, as_json: bool) -> None:
    """What is stuck where, and why."""
    settings = load()
    async with open_database(settings) as database, open_bus(settings) as bus:
        stuck = await stuck_cycles(database, bus, settings.trading.assets)
    if as_json:
        terminal.print_json([asdict(parked) for parked in stuck])
        return
    if not stuck:
        console.print("no cycle is parked")
    for parked in stuck:
        reason = escape(reason_in_words(parked.reason) or "-")
        console.print(f"[red]{parked.cycle_id}[/] since {views.timestamp(parked.since_ms)}: {reason}")
        worth = (
            "worth unknown, no prices" if parked.worth_krw is None else f"worth {views.whole_won(parked.worth_krw)} KRW"
        )
        holds = f"holds {', '.join(parked.holds)}, {worth}" if parked.holds else "holds nothing but cash at home"
        console.print(f"    {holds}", highlight=False)
