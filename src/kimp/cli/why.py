"""`kimp why`: what keeps a coin from being traded."""

from dataclasses import asdict

from kimp.bootstrap.parts import CLOCK, open_bus, open_database
from kimp.cli import terminal, views
from kimp.config import load
from kimp.domain.money import decimal
from kimp.operations.why import why

console = terminal.console()


async def show_why(coin: str, usd_krw: str | None, *, as_json: bool) -> None:
    """Every closed gate of the decision as it would fall now."""
    settings, rate = load(), None if usd_krw is None else decimal(usd_krw)
    async with open_bus(settings) as bus, open_database(settings) as database:
        explanation = await why(bus, database, settings, CLOCK, coin, usd_krw=rate)
    if as_json:
        terminal.print_json(asdict(explanation))
    else:
        console.print(views.explanation_table(explanation))
