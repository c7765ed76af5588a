"""Market data and backtests, which need a library that trading does not: it comes by an extra of the package."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kimp.config import Settings
from kimp.domain.errors import BadConfig

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
