"""`kimp data`: recorded market data of one's own, for `kimp backtest`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from kimp.cli.app import RUN, SET_UP, JsonFlag, app, run

data = typer.Typer(help="Recorded market data for backtests: bring, list, check.", no_args_is_help=True)
app.add_typer(data, name="data", rich_help_panel=SET_UP)

Folder = Annotated[
    Path | None, typer.Option("--data", metavar="FOLDER", help="Where market data are kept. [default: DATA_DIR/market]")
]


@data.command("import")
def import_data(
    files: Annotated[list[Path], typer.Argument(help="CSV, plain, .gz or .zip.")],
    kind: Annotated[str | None, typer.Option(help="candles, trades or prices, if the columns leave it open.")] = None,
    venue: Annotated[str | None, typer.Option(help="upbit or binance, if no column says so.")] = None,
    symbol: Annotated[str | None, typer.Option(help="The market, if no column says so, e.g. KRW-XRP.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="MEANING=NAME", help="Which column is what, e.g. time=when. May be repeated."),
    ] = None,
    length: Annotated[
        int | None, typer.Option(help="Seconds that a candle is long; else told by their distances.", min=1)
    ] = None,
    left_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write every row that is left out there, with its reason.")
    ] = None,
    folder: Folder = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Bring candles, trades or last prices from files that you have. Rows that can't be right are left out and told."""
    from kimp.cli.data import import_data as work

    work(files, kind, venue, symbol, column or [], length, left_out, folder, as_json=as_json)


@data.command("download")
def download_data(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day, UTC.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day, UTC.")],
    coins: Annotated[
        str | None, typer.Option(help="Coins, as XRP,SOL. USDT is always among them. [default: trading.coins]")
    ] = None,
    trades: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--trades", help="Trades in place of candles. Upbit tells those of the last seven days.")
    ] = False,
    files: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--files", help="Take whole days from the files that Binance publishes, where it has them.")
    ] = False,
    configured: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--configured", help="Ask the venues of the configuration, such as the paper exchange.")
    ] = False,
    folder: Folder = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Fetch candles or trades from the venues' public pages, without a key. Run again, it goes on where it ended."""
    from kimp.cli.downloading import download as work

    run(
        work(
            first.date(), last.date(), coins, folder, trades=trades, files=files, configured=configured, as_json=as_json
        )
    )  # fmt: skip


@app.command(rich_help_panel=RUN)
def record(
    every: Annotated[
        float, typer.Option(help="Seconds: of each book no more than one in so many is kept.", min=0.1)
    ] = 1.0,
    folder: Folder = None,
) -> None:
    """Keep a running feeder's books and the venues' trades, for days, until Ctrl-C. Bounded memory; a file a day."""
    from kimp.bootstrap.backtesting import run_recorder
    from kimp.cli.services import run_service

    run_service("record", lambda settings: run_recorder(settings, folder, every))


@data.command("list")
def list_data(folder: Folder = None, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """What there is: kinds, venues, days, coins."""
    from kimp.cli.data import list_data as work

    work(folder, as_json=as_json)


@data.command("check")
def check_data(folder: Folder = None, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Read every row: coverage, gaps, rows told twice or too early, venues whose times don't fit together."""
    from kimp.cli.data import check_data as work

    raise typer.Exit(work(folder, as_json=as_json))
