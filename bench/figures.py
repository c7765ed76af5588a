"""A line of the table, and percentiles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    kimp: str
    baseline: str
    ratio: str
    aim: str


def as_table(rows: Iterable[Row]) -> Table:
    table = Table(title="kimp bench", title_justify="left")
    for name in ("what", "kimp", "baseline", "ratio", "aim"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for row in rows:
        table.add_row(row.what, row.kimp, row.baseline, row.ratio, row.aim)
    return table


def compare(what: str, ours: Sequence[float], theirs: Sequence[float], aim: str) -> Row:
    """Seconds on both sides; medians are compared, the 99th percentile is shown beside."""
    ratio = median(ours) / median(theirs)
    return Row(what, _ms(ours), _ms(theirs), f"{ratio:.2f}", aim)


def _ms(seconds: Sequence[float]) -> str:
    late = sorted(seconds)[int(len(seconds) * 0.99)]
    return f"{median(seconds) * 1000:.2f} ms (p99 {late * 1000:.1f})"
