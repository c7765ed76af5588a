"""`kimp why` and `kimp doctor`: what keeps kimp from trading."""

from dataclasses import asdict

from rich.markup import escape

from kimp.bootstrap.doctor import run_doctor
from kimp.bootstrap.parts import CLOCK, open_bus, open_database
from kimp.cli import terminal, views
from kimp.cli.app import EXIT_FAILED
from kimp.config import load
from kimp.domain.money import decimal
from kimp.operations.why import why

console = terminal.console()
MARKS = {"ok": "[green]ok[/]  ", "warning": "[yellow]warn[/]", "failed": "[red]FAIL[/]"}


async def show_why(coin: str, usd_krw: str | None, *, as_json: bool) -> None:
    """Every closed gate of the decision as it would fall now."""
    settings, rate = load(), None if usd_krw is None else decimal(usd_krw)
    async with open_bus(settings) as bus, open_database(settings) as database:
        explanation = await why(bus, database, settings, CLOCK, coin, usd_krw=rate)
    if as_json:
        terminal.print_json(asdict(explanation))
    else:
        console.print(views.explanation_table(explanation))


async def show_findings(*, as_json: bool) -> int:
    """Exit code: 1 where a part can't be used."""
    findings = [finding async for finding in run_doctor(load())]
    if as_json:
        terminal.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = MARKS[finding.state]
            console.print(f"{mark} {finding.part:<13} {escape(finding.detail)}", highlight=False)
    return EXIT_FAILED if any(finding.state == "failed" for finding in findings) else 0
