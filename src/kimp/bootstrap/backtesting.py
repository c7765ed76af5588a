"""Market data and backtests, which need a library that trading does not: it comes by an extra of the package."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kimp.config import Settings
from kimp.domain.errors import BadConfig, BadInput
from kimp.ports.history import MarketHistory

if TYPE_CHECKING:
    from kimp.backtest.catalogue import Catalogue


def open_catalogue(settings: Settings, folder: Path | None) -> "Catalogue":
    """The folder of market data; by itself, the one in the data directory.

    Raises BadConfig without the extra, BadInput for what is no folder.
    """
    if find_spec("polars") is None:
        raise BadConfig(
            "market data and backtests need one more library, the extra `backtest`: install kimp once more with it, as"
            " `uv tool install --force 'FROM[backtest]'`, `pipx install --force 'FROM[backtest]'` or `pip install"
            " 'FROM[backtest]'`, where FROM is the checkout or wheel that kimp came from"
        )
    from kimp.backtest.catalogue import Catalogue  # noqa: PLC0415 - the library may be missing

    root = folder or settings.local.data_dir / "market"
    if root.exists() and not root.is_dir():
        raise BadInput(f"{root} is no folder; market data are kept in one")
    return Catalogue(root)


@asynccontextmanager
async def open_histories(
    settings: Settings, *, configured: bool, files: bool
) -> AsyncIterator[Sequence[MarketHistory]]:
    """Of the venues themselves, or of those that are configured, such as the paper exchange; `files`: whole days from
    those that Binance publishes.
    """
    from kimp.adapters.binance.files import BinanceFiles  # noqa: PLC0415 - heavy
    from kimp.adapters.binance.history import BinanceHistory  # noqa: PLC0415
    from kimp.adapters.upbit.history import UpbitHistory  # noqa: PLC0415
    from kimp.adapters.venue.transport import open_session  # noqa: PLC0415
    from kimp.bootstrap.parts import CLOCK  # noqa: PLC0415

    upbit_url = settings.upbit.rest_url if configured else UpbitHistory.PUBLIC
    binance_url = settings.binance.rest_url if configured else BinanceHistory.PUBLIC
    async with open_session() as session:
        binance = BinanceHistory(binance_url, session)
        yield [
            UpbitHistory(upbit_url, session, CLOCK),
            BinanceFiles(BinanceFiles.PUBLIC, session, binance) if files else binance,
        ]


async def run_recorder(settings: Settings, folder: Path | None, every_s: float) -> None:
    """Until cancelled."""
    catalogue = open_catalogue(settings, folder)
    from kimp.adapters.binance.trades import BinanceTrades  # noqa: PLC0415 - heavy
    from kimp.adapters.upbit.trades import UpbitTrades  # noqa: PLC0415
    from kimp.backtest.recording import record  # noqa: PLC0415 - the library may be missing
    from kimp.bootstrap.parts import CLOCK, open_bus  # noqa: PLC0415 - heavy

    streams = [kind(settings.venue(kind.venue), CLOCK) for kind in (UpbitTrades, BinanceTrades)]
    async with open_bus(settings) as bus:
        await record(bus, streams, settings.trading.assets, catalogue, CLOCK, every_s)
