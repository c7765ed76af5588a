"""Verdicts as a table."""

from collections.abc import Iterable

from chaos.auditor.verdict import Holds, Verdict
from rich.table import Table
from rich.text import Text

COLOURS = {Holds.YES: "green", Holds.NO: "red", Holds.UNKNOWN: "yellow"}
SHOWN = 10
"""Violations of one invariant; the rest is counted, and all are in the JSON."""


def verdict_table(verdicts: Iterable[Verdict]) -> Table:
    table = Table(title="invariants", title_justify="left", header_style="bold")
    table.add_column("", no_wrap=True)
    table.add_column("invariant", overflow="fold")
    table.add_column("holds")
    table.add_column("violations", justify="right")
    for verdict in verdicts:
        colour = COLOURS[verdict.holds]
        table.add_row(verdict.invariant, verdict.title, f"[{colour}]{verdict.holds}[/]", str(len(verdict.violations)))
        for line in _lines(verdict):
            table.add_row("", Text(line, style=colour))
    return table


def _lines(verdict: Verdict) -> Iterable[str]:
    if verdict.unknown:
        yield verdict.unknown
    yield from map(str, verdict.violations[:SHOWN])
    if (more := len(verdict.violations) - SHOWN) > 0:
        yield f"... and {more} more"
