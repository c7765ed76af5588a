"""The list of cycles. Ids and states are always whole; why a cycle waits or ended stands on lines of its own below."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.text import Text

from kimp.cli.views import COLOURS, arrow, cash, timestamp, whole_won
from kimp.domain.ledger import Held
from kimp.domain.money import CONTEXT, ZERO, Asset
from kimp.domain.venues import Direction
from kimp.domain.wording import CASH_PLACES, reason_in_words, roughly
from kimp.ports.read_model import CycleRow

ELSEWHERE = "left elsewhere"
COLUMNS = ("cycle", "begun", "leg one", "home by", "status", "spent", "returned", ELSEWHERE, "KRW", "s")
NUMBERS = {"spent", "returned", ELSEWHERE, "KRW", "s"}
LEFT_OUT = ("s", ELSEWHERE, "leg one", "begun", "home by", "returned", "spent", "KRW")
"""What a narrow terminal does without, first to last; `kimp cycles show` has it all. What was left elsewhere goes below
its cycle then, as the line adds up with it alone.
"""
NOTHING = "-"
GAP = 2
INDENT = 4


class CyclesTable:
    """One line per cycle, with the columns that fit as a whole. A rich table would cut each of them a little."""

    def __init__(
        self, rows: Iterable[CycleRow], title: str = "cycles", elsewhere: Mapping[str, Held] | None = None
    ) -> None:
        """`elsewhere`: by cycle, what it left beside the cash that returned; without it that column is not there."""
        self._rows = list(rows)
        self._title = title
        self._elsewhere = elsewhere

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = [_cells(row, (self._elsewhere or {}).get(row.cycle_id, {})) for row in self._rows]
        names = [name for name in COLUMNS if name != ELSEWHERE or self._elsewhere is not None]
        widths = {name: max(len(name), *(len(row[name]) for row in cells), 0) for name in names}
        widths = fitting(widths, options.max_width)
        yield Text(self._title, style="italic")
        yield _line({name: name for name in COLUMNS}, widths, dict.fromkeys(COLUMNS, "bold"))
        for row, texts in zip(self._rows, cells, strict=True):
            yield _line(texts, widths, {"status": COLOURS.get(row.status, "cyan")})
            notes = [reason_in_words(row.waiting_reason or row.reason)]
            if ELSEWHERE in names and ELSEWHERE not in widths and texts[ELSEWHERE] != NOTHING:
                notes.append(f"{ELSEWHERE}: {texts[ELSEWHERE]}")
            for note in filter(None, notes):
                yield Padding(Text(note, style="dim"), (0, 0, 0, INDENT), expand=False)


def fitting(widths: Mapping[str, int], width: int) -> dict[str, int]:
    """The columns that stay."""
    kept = dict(widths)
    for name in LEFT_OUT:
        if sum(kept.values()) + GAP * (len(kept) - 1) <= width:
            break
        kept.pop(name, None)
    return kept


def _cells(row: CycleRow, elsewhere: Held) -> dict[str, str]:
    end = row.closed_ms or row.updated_ms
    return {
        "cycle": row.cycle_id,
        "begun": timestamp(row.started_ms),
        "leg one": arrow(Direction(row.direction)),
        "home by": row.route or NOTHING,
        "status": row.status,
        "spent": cash(row.spent, row.home_asset),
        "returned": cash(row.returned, row.home_asset),
        ELSEWHERE: ", ".join(_change(amount, asset) for asset, amount in _by_asset(elsewhere)) or NOTHING,
        "KRW": whole_won(row.profit_krw),
        "s": f"{(end - row.started_ms) / 1000:.1f}",
    }


def _by_asset(elsewhere: Held) -> list[tuple[Asset, Decimal]]:
    """Cash before coins, of which only crumbs are left as a rule."""
    sums: dict[Asset, Decimal] = {}
    for (_, asset), amount in elsewhere.items():
        sums[asset] = CONTEXT.add(sums.get(asset, ZERO), amount)
    return sorted(sums.items(), key=lambda held: (held[0] not in CASH_PLACES, held[0]))


def _change(amount: Decimal, asset: Asset) -> str:
    return f"{'+' if amount > ZERO else '-'}{roughly(abs(amount), asset)}"


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
