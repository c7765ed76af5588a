"""`kimp data download`: candles and trades from the venues' public pages, with a bar of how far it is."""

from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from kimp.bootstrap.backtesting import open_catalogue, open_histories
from kimp.bootstrap.parts import CLOCK
from kimp.cli import terminal
from kimp.config import load
from kimp.domain.errors import BadInput
from kimp.domain.money import USDT, Asset

if TYPE_CHECKING:
    from kimp.backtest.downloading import Downloaded

console = terminal.console()


async def download(
    first: date,
    last: date,
    coins: str | None,
    folder: Path | None,
    *,
    trades: bool,
    files: bool,
    configured: bool,
    as_json: bool,
) -> None:
    """From both venues, one after the other."""
    if last < first:
        raise BadInput(f"--to {last} is before --from {first}")
    if files and configured:
        raise BadInput("--files are Binance's own, --configured asks the venues of the configuration; leave one out")
    if coins is not None and not coins.replace(",", "").strip():
        raise BadInput("--coins names no coin; write XRP,SOL")
    settings = load()
    catalogue = open_catalogue(settings, folder)
    from kimp.backtest import downloading  # noqa: PLC0415 - heavy
    from kimp.backtest.kinds import DataKind  # noqa: PLC0415

    kind = DataKind.TRADES if trades else DataKind.CANDLES
    named = settings.trading.coins if coins is None else [coin.strip().upper() for coin in coins.split(",")]
    assets = [Asset(coin) for coin in dict.fromkeys([*named, USDT]) if coin]
    done: list[Downloaded] = []
    async with open_histories(settings, configured=configured, files=files) as histories:
        with _bar() as bar:
            for history in histories:
                traded = [coin for coin in assets if coin != history.venue.cash]
                task = bar.add_task(history.venue, total=len(traded) * ((last - first).days + 1))
                advance = partial(bar.advance, task)
                done.append(await downloading.download(history, kind, catalogue, traded, (first, last), CLOCK, advance))
    if as_json:
        terminal.print_json([asdict(one) for one in done])
        return
    for one in done:
        console.print(_sentence(one), highlight=False)


def _bar() -> Progress:
    """Beside the output, and only where somebody looks."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("coins x days"),
        TimeRemainingColumn(),
        console=terminal.side_console(),
        transient=True,
    )


def _sentence(one: "Downloaded") -> str:
    written = one.written
    parts = [f"{written.new:,} {one.kind} new"]
    parts += [f"{count:,} {what}" for count, what in (
        (written.known, "there already"),
        (written.replaced, "replaced by these"),
        (one.there, "coins' days not asked for again"),
        (one.too_old, "coins' days that are older than the venue tells"),
        (one.left_out, "left out, as no market has such numbers"),
    ) if count]  # fmt: skip
    missing = f"; no market of {', '.join(one.missing)}" if one.missing else ""
    return f"{one.venue}: {', '.join(parts)}{missing}"
