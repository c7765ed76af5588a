"""`kimp backtest`: what would have been earned."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from kimp.cli.app import LOOK, JsonFlag, app
from kimp.cli.commands.data import Folder
from kimp.domain.opportunity import Mode

DAYS = ["%Y-%m-%d"]


@app.command(rich_help_panel=LOOK)
def backtest(
    first: Annotated[datetime | None, typer.Option("--from", formats=DAYS, help="First day (UTC).")] = None,
    last: Annotated[datetime | None, typer.Option("--to", formats=DAYS, help="Last day, included.")] = None,
    coins: Annotated[str | None, typer.Option(help="XRP,SOL,..., or all. [default: trading.coins]")] = None,
    mode: Annotated[Mode, typer.Option(help="Sell leg one's coin after it has travelled, or at once from stock.")] = (
        Mode.TRANSFER
    ),
    threshold: Annotated[str | None, typer.Option(help="Ratio. [default: trading.threshold]")] = None,
    notional: Annotated[str | None, typer.Option(help="Won. [default: trading.notional_krw]")] = None,
    cash: Annotated[str | None, typer.Option(help="Won on each venue. [default: five times the notional]")] = None,
    half_spread: Annotated[
        str | None, typer.Option(help="Ratio from a last price to bid or ask, rounded up to ticks. [default: 0.0001]")
    ] = None,
    latency: Annotated[int | None, typer.Option(help="Milliseconds to the venue. [default: 300]", min=0)] = None,
    max_age: Annotated[int, typer.Option(help="Milliseconds that a recorded price may be old.", min=1)] = 5_000,
    stand_in: Annotated[  # noqa: FBT002 - a command-line flag
        bool,
        typer.Option(
            "--stand-in",
            help="Where KRW-USDT is not recorded, the median over coins of won / dollars stands in for it.",
        ),
    ] = False,
    closures: Annotated[Path | None, typer.Option(help="CSV of closed wallets: venue,coin,from_utc,until_utc.")] = None,
    seed: Annotated[int, typer.Option(help="Of the travel times that are drawn.")] = 1,
    sweep: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=V,V,...", help="Try all of these: threshold, notional, band, tick_share, turnover."),
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write a report with pictures.")] = None,
    folder: Folder = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """What would have been earned on recorded market data, and why not more. Past prices promise nothing."""
    from kimp.cli.backtest import BacktestArguments, run_backtest

    run_backtest(
        BacktestArguments(
            mode, coins, first and first.date(), last and last.date(), threshold, notional, cash, half_spread, latency,
            max_age, seed, stand_in, closures,
        ),
        sweep or [],
        report,
        folder,
        as_json=as_json,
    )  # fmt: skip
