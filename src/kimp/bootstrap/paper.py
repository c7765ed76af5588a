"""`kimp paper`: the paper exchange as a process of its own."""

import asyncio
from typing import ClassVar

from pydantic import Field

from kimp.config import Settings, Sourced, load_with_origins
from kimp.domain.errors import BadConfig
from kimp.domain.venues import Venue
from kimp.paper.config import PaperConfig
from kimp.paper.server import PaperExchange


class PaperSettings(Sourced):
    """The `[paper]` table, from the same sources as kimp's own settings."""

    elsewhere: ClassVar[frozenset[str]] = frozenset(Settings.model_fields)

    paper: PaperConfig = Field(default_factory=PaperConfig)


def refuse_beside_real_venues(settings: Settings) -> None:
    """Its admin listener sets balances and prices for whoever asks: nothing that may stand beside real money."""
    if live := [venue.value for venue in Venue if settings.venue(venue).is_live]:
        raise BadConfig(
            f"{' and '.join(live)} is a real venue, and the paper exchange has no place beside one; run `kimp feeder`,"
            " `kimp initiator` and `kimp worker` by themselves, or take the real rest_url out"
        )


async def run_paper(settings: Settings) -> None:
    """Run until cancelled. Raises BadConfig beside a real venue."""
    refuse_beside_real_venues(settings)
    exchange = PaperExchange(load_with_origins(PaperSettings).settings.paper)
    await exchange.start()
    try:
        await asyncio.Event().wait()
    finally:
        await exchange.stop()
