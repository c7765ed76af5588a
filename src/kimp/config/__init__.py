"""kimp's configuration. `load()` reads and validates it; `docs/configuration.md` tells every setting and source."""

from kimp.config.loading import ConfigProblems, Loaded, load, load_with_origins
from kimp.config.section import Section
from kimp.config.settings import DeploySettings, LocalSettings, Settings, Sourced
from kimp.config.trading import TradingSettings
from kimp.config.venues import (
    PAPER_NETWORKS,
    BinanceSettings,
    KeyPair,
    RoleKeys,
    UpbitSettings,
    VenueSettings,
)

__all__ = [
    "PAPER_NETWORKS",
    "BinanceSettings",
    "ConfigProblems",
    "DeploySettings",
    "KeyPair",
    "Loaded",
    "LocalSettings",
    "RoleKeys",
    "Section",
    "Settings",
    "Sourced",
    "TradingSettings",
    "UpbitSettings",
    "VenueSettings",
    "load",
    "load_with_origins",
]
