"""Market data and backtests, which need a library that trading does not: it comes by an extra of the package."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kimp.config import Settings
from kimp.domain.errors import BadConfig
from kimp.ports.history import CandleHistory

if TYPE_CHECKING:
    from kimp.backtest.catalogue import Catalogue


def open_catalogue(settings: Settings, folder: Path | None) -> "Catalogue":
    """The folder of market data; by itself, the one in the data directory. Raises BadConfig without the extra."""
    if find_spec("polars") is None:
        raise BadConfig(
            "market data and backtests need one more library; get it by `pip install 'kimp-arbitrage[backtest]'`"
        )
    from kimp.backtest.catalogue import Catalogue  # noqa: PLC0415 - the library may be missing

    return Catalogue(folder or settings.local.data_dir / "market")


@asynccontextmanager
async def open_histories(settings: Settings, *, configured: bool) -> AsyncIterator[Sequence[CandleHistory]]:
    """Of the venues themselves, or of those that are configured, such as the paper exchange."""
    from kimp.adapters.binance.candles import BinanceCandles  # noqa: PLC0415 - heavy
    from kimp.adapters.upbit.candles import UpbitCandles  # noqa: PLC0415
    from kimp.adapters.venue.transport import open_session  # noqa: PLC0415

    async with open_session() as session:
        yield [
            kind(settings.venue(kind.venue).rest_url if configured else kind.PUBLIC, session)
            for kind in (UpbitCandles, BinanceCandles)
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
