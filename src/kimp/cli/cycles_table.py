"""The list of cycles. Ids and states are always whole; why a cycle waits or ended stands on lines of its own below."""

from collections.abc import Iterable, Mapping

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text

from kimp.cli.views import COLOURS, arrow, cash, instant, won
from kimp.domain.venues import Direction
from kimp.ports.read_model import CycleRow

COLUMNS = ("cycle", "begun", "leg one", "home by", "status", "spent", "returned", "KRW", "s")
NUMBERS = {"spent", "returned", "KRW", "s"}
LEFT_OUT = ("s", "home by", "returned", "begun", "spent", "leg one", "KRW")
"""What a narrow terminal does without, first to last; `kimp cycles show` has it all."""
GAP = 2
INDENT = 4


class CyclesTable:
    """One line per cycle, with the columns that fit as a whole. A rich table would cut each of them a little."""

    def __init__(self, rows: Iterable[CycleRow], title: str = "cycles") -> None:
        self._rows = list(rows)
        self._title = title

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = [_cells(row) for row in self._rows]
        widths = {name: max(len(name), *(len(row[name]) for row in cells), 0) for name in COLUMNS}
        widths = fitting(widths, options.max_width)
        yield Text(self._title, style="italic")
        yield _line({name: name for name in COLUMNS}, widths, dict.fromkeys(COLUMNS, "bold"))
        for row, texts in zip(self._rows, cells, strict=True):
            yield _line(texts, widths, {"status": COLOURS.get(row.status, "cyan")})
            if note := row.waiting_reason or row.reason:
                yield Padding(Text(note, style="dim"), (0, 0, 0, INDENT), expand=False)


def fitting(widths: Mapping[str, int], width: int) -> dict[str, int]:
    """The columns that stay."""
    kept = dict(widths)
    for name in LEFT_OUT:
        if sum(kept.values()) + GAP * (len(kept) - 1) <= width:
            break
        del kept[name]
    return kept


def _cells(row: CycleRow) -> dict[str, str]:
    end = row.closed_ms or row.updated_ms
    return {
        "cycle": row.cycle_id,
        "begun": instant(row.started_ms),
        "leg one": arrow(Direction(row.direction)),
        "home by": row.route or "-",
        "status": row.status,
        "spent": cash(row.spent, row.home_asset),
        "returned": cash(row.returned, row.home_asset),
        "KRW": won(row.profit_krw),
        "s": f"{(end - row.started_ms) / 1000:.1f}",
    }


def _line(texts: Mapping[str, str], widths: Mapping[str, int], styles: Mapping[str, str]) -> Text:
    line = Text(" " * GAP).join(
        Text(
            texts[name].rjust(width) if name in NUMBERS else texts[name].ljust(width),
            style=styles.get(name, ""),
        )
        for name, width in widths.items()
    )
    line.rstrip()
    return line
