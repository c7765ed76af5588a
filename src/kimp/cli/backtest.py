"""`kimp backtest`: runs it, and shows what came of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import Progress
from rich.table import Table

from kimp.bootstrap.backtesting import open_catalogue
from kimp.cli import terminal
from kimp.cli.views import whole_won
from kimp.config import Settings, load
from kimp.domain.errors import BadInput
from kimp.domain.opportunity import Mode

if TYPE_CHECKING:
    from kimp.backtest.catalogue import Catalogue
    from kimp.backtest.options import Options
    from kimp.backtest.running import BacktestResult
    from kimp.backtest.statistics import Summary
    from kimp.backtest.sweep import Swept
    from kimp.backtest.watching import Watcher

console = terminal.console()
MODELLED = (
    "Modelled, not recorded: books around last prices, depth by turnover, travel times, Binance's lots, network fees of"
    " coins that are in no table (docs/backtest.md)."
)
NAMED = 8


@dataclass(frozen=True, slots=True)
class BacktestArguments:
    """The command line's words."""

    mode: Mode
    coins: str | None
    first: date | None
    last: date | None
    threshold: str | None
    notional: str | None
    cash: str | None
    half_spread: str | None
    latency: int | None
    max_age: int
    seed: int
    stand_in: bool
    closures: Path | None


def run_backtest(
    wanted: BacktestArguments, pairs: list[str], report: Path | None, folder: Path | None, *, as_json: bool
) -> None:
    settings = load()
    catalogue = open_catalogue(settings, folder)
    if report is not None and (report.is_dir() or not report.parent.is_dir()):
        raise BadInput(f"--report {report}: name a file in a folder that is there")
    from kimp.backtest.request import swept as swept_values  # noqa: PLC0415 - heavy
    from kimp.backtest.statistics import row_of, summarised  # noqa: PLC0415
    from kimp.backtest.sweep import sweep  # noqa: PLC0415

    options, values = _options(settings, wanted), swept_values(pairs)
    result, watcher = _replayed(catalogue, options)
    summary = summarised(result)
    swept = sweep(catalogue, options, values or _around(options)) if values or report is not None else None
    if report is not None:
        from kimp.backtest.page import page  # noqa: PLC0415

        _write(report, page(result, summary, watcher, swept))
    if as_json:
        terminal.print_json(
            summary.document()
            | {"cycles_list": [row_of(cycle) for cycle in result.cycles]}
            | ({} if swept is None else {"sweep": _document(swept)})
        )
        return
    _show(summary, options)
    if values and swept is not None:
        _show_sweep(swept)
    if report is not None:
        console.print(f"report: {report}", highlight=False)


def _write(report: Path, text: str) -> None:
    try:
        report.write_text(text)
    except OSError as error:
        raise BadInput(f"--report {report}: cannot be written ({error.strerror})") from None


def _options(settings: Settings, wanted: BacktestArguments) -> "Options":
    from kimp.backtest.request import BacktestRequest, option_value, options_of  # noqa: PLC0415 - heavy

    def given(name: str, text: str | None) -> Decimal | None:
        return None if text is None else option_value(name, text)

    return options_of(
        settings,
        BacktestRequest(
            wanted.mode, wanted.coins, wanted.first, wanted.last, given("threshold", wanted.threshold),
            given("notional", wanted.notional), given("cash", wanted.cash), given("half-spread", wanted.half_spread),
            wanted.latency, wanted.max_age, wanted.seed,
            wanted.stand_in, wanted.closures,
        ),
    )  # fmt: skip


def _around(options: "Options") -> Mapping[str, list[Decimal]]:
    """For the picture of how much the result depends on the threshold."""
    return {"threshold": [options.limits.threshold * Decimal(part) / 4 for part in (1, 2, 3, 4, 6, 8)]}


def _replayed(catalogue: "Catalogue", options: "Options") -> "tuple[BacktestResult, Watcher]":
    from kimp.backtest.running import Backtest  # noqa: PLC0415 - heavy
    from kimp.backtest.tape import MarketFrames  # noqa: PLC0415
    from kimp.backtest.watching import Watcher  # noqa: PLC0415

    days = MarketFrames(catalogue, options).days()
    watcher = Watcher(options.pair, days[0], days[-1], float(options.limits.threshold))
    backtest = Backtest(catalogue, options, watcher)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        for day in progress.track(days, description="replaying"):
            backtest.run_day(day)
    return backtest.finish(), watcher


def _show(summary: "Summary", options: "Options") -> None:
    console.print(_figures(summary))
    from kimp.backtest.statistics import doubtful  # noqa: PLC0415 - heavy

    if doubt := doubtful(summary):
        console.print(f"[yellow]{doubt}.[/]", highlight=False)
    if summary.gates:
        console.print(_counted("not started, by the first gate", summary.gates))
    for gate, coins in summary.left_out.items():
        named = ", ".join(list(coins)[:NAMED]) + (", ..." if len(coins) > NAMED else "")
        console.print(f"left out throughout or at times by {gate}: {len(coins)} coins ({named})", highlight=False)
    if options.model.stand_in:
        console.print(
            "[yellow]Where KRW-USDT is not recorded, the median over coins stands in for it: a premium that all coins"
            " share is hidden.[/]"
        )
    if options.limits.mode is Mode.PREFUNDED:
        console.print(
            "Stock of one cycle per coin lies on each venue and is busy until what was bought has arrived; what the"
            " stock itself gains or loses is left out."
        )
    console.print(MODELLED, highlight=False)


def _figures(summary: "Summary") -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold")
    fees = ", ".join(f"{kind} {whole_won(krw)}" for kind, krw in summary.fees_krw.items()) or "-"
    rows = {
        "mode": f"{summary.mode}, threshold {summary.threshold:.2%},"
        f" at most {whole_won(summary.notional_krw)} KRW a cycle",
        "data": f"{summary.first} to {summary.last}, {summary.days} days, {summary.instants:,} instants,"
        f" {summary.rows:,} rows",
        "cycles": f"{summary.cycles} ({summary.cycles_a_day:.1f} a day): {summary.completed} completed,"
        f" {summary.rejected} rejected, {summary.unfinished} unfinished",
        "profit": f"{summary.profit_krw:+,.0f} KRW, {summary.expected_krw:+,.0f} expected of the same cycles",
        "a cycle": f"mean {_ratio(summary.mean)}, median {_ratio(summary.median)}, worst {_ratio(summary.worst)},"
        f" best {_ratio(summary.best)}",
        "losing": f"{_share(summary.losing_share)}, at most {summary.losses_in_a_row} in a row;"
        f" drawdown {whole_won(summary.drawdown_krw)} KRW",
        "turnover": f"{whole_won(summary.turnover_krw)} KRW;"
        f" at most {whole_won(summary.capital_krw)} KRW at work at once",
        "fees (KRW)": fees,
    }
    for name, text in rows.items():
        table.add_row(name, text)
    return table


def _counted(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title, "times", box=None, padding=(0, 2, 0, 0))
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    return table


def _show_sweep(swept: "Swept") -> None:
    names = list(swept.runs[0][0])
    table = Table(*names, title="sweep", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for name in ("cycles", "a day", "profit KRW", "mean", "median", "worst", "losing", "drawdown"):
        table.add_column(name, justify="right")
    for chosen, one in swept.runs:
        table.add_row(
            *(f"{value}" for value in chosen.values()), f"{one.cycles}", f"{one.cycles_a_day:.1f}",
            f"{one.profit_krw:+,.0f}", _ratio(one.mean), _ratio(one.median), _ratio(one.worst),
            _share(one.losing_share), whole_won(one.drawdown_krw),
        )  # fmt: skip
    console.print(table)
    for fold in swept.forward:
        chosen_text = ", ".join(f"{name} {value}" for name, value in fold.chosen.items())
        console.print(
            f"best of {fold.tuned_on[0]} to {fold.tuned_on[1]}: {chosen_text} ({fold.tuned_krw:+,.0f} KRW);"
            f" on {fold.judged_on[0]} to {fold.judged_on[1]}, unseen: {fold.judged_krw:+,.0f} KRW,"
            f" {fold.cycles} cycles",
            highlight=False,
        )
    if not swept.forward:
        console.print("too few days to judge a value on days that it has not seen")


def _document(swept: "Swept") -> dict[str, Any]:
    return {
        "runs": [{"values": chosen, **one.document()} for chosen, one in swept.runs],
        "walk_forward": [asdict(fold) for fold in swept.forward],
    }


def _ratio(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:+.2%}"


def _share(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:.0%}"
