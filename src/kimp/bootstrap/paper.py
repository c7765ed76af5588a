"""`kimp paper`: the paper exchange as a process of its own."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from kimp.adapters.embedded.process import held_locks
from kimp.adapters.temporal.client_config import load_client_config
from kimp.bootstrap.live_books import read_live_books
from kimp.config import Settings, Sourced, load_with_origins
from kimp.domain.arming import TradingMode
from kimp.domain.errors import BadConfig
from kimp.domain.money import Asset
from kimp.paper.config import LiveMarket, PaperConfig
from kimp.paper.server import PaperExchange


class PaperSettings(Sourced):
    """The `[paper]` table, from the same sources as kimp's own settings."""

    read_by_others: ClassVar[frozenset[str]] = frozenset(Settings.model_fields) - {"paper"}

    paper: PaperConfig = Field(default_factory=PaperConfig)


def refuse_beside_real_venues(settings: Settings) -> None:
    """Its admin listener sets balances and prices for whoever asks: nothing that may stand beside real money."""
    if settings.mode is not TradingMode.SYNTHETIC:
        raise BadConfig(
            f"mode is {settings.mode}, so the venues are real, and the paper exchange has no place beside them; run"
            " `kimp feeder`, `kimp initiator` and `kimp worker` by themselves, or set mode to synthetic"
        )


def paper_config(settings: Settings) -> PaperConfig:
    """As this process's own configuration says, on the ports where kimp looks for it."""
    return load_with_origins(PaperSettings).settings.paper.model_copy(update=settings.paper.model_dump())


def state_path(settings: Settings) -> Path:
    """Where `kimp up` keeps what the paper exchange's customer holds."""
    return paper_config(settings).state_path or settings.local.data_dir / "paper.db"


def reset(settings: Settings) -> Sequence[Path]:
    """Remove the paper exchange's state, and with it kimp's books and Temporal's cycles, which would not fit a new one.

    Returns what was removed. Raises BadConfig beside a real venue, where books or cycles are kept elsewhere, and while
    kimp runs.
    """
    refuse_beside_real_venues(settings)
    where = {"the books are": settings.database_url, "the cycles are": load_client_config().get("target_host")}
    if elsewhere := next((what for what, named in where.items() if named is not None), None):
        raise BadConfig(
            f"{elsewhere} on a server of yours, which `kimp paper reset` leaves alone; unset its URL to reset what"
            f" is in {settings.local.data_dir}"
        )
    if running := held_locks(settings.local.data_dir):
        raise BadConfig(f"{', '.join(running)} still runs on {settings.local.data_dir}; end kimp first")
    kept = [state_path(settings), *(settings.local.data_dir / name for name in ("kimp.db", "temporal.db"))]
    files = [file for path in kept for file in sorted(path.parent.glob(f"{path.name}*"))]
    for file in files:
        file.unlink()
    return files


async def run_paper(settings: Settings) -> None:
    """Run until cancelled. Raises BadConfig beside a real venue."""
    refuse_beside_real_venues(settings)
    config, live = paper_config(settings), None
    if isinstance(config.market, LiveMarket):
        live = await read_live_books(settings, config.market, [Asset(coin.name) for coin in config.coins])
    exchange = PaperExchange(config, live)
    await exchange.start()
    try:
        await asyncio.Event().wait()
    finally:
        await exchange.stop()
