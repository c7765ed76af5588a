"""`kimp paper`: the paper exchange as a process of its own."""

import asyncio
from typing import ClassVar

from pydantic import Field

from kimp.config import Settings, Sourced, load_with_origins
from kimp.paper.config import PaperConfig
from kimp.paper.server import PaperExchange


class PaperSettings(Sourced):
    """The `[paper]` table, from the same sources as kimp's own settings."""

    elsewhere: ClassVar[frozenset[str]] = frozenset(Settings.model_fields)

    paper: PaperConfig = Field(default_factory=PaperConfig)


async def run_paper(_settings: Settings) -> None:
    """Run until cancelled."""
    exchange = PaperExchange(load_with_origins(PaperSettings).settings.paper)
    await exchange.start()
    try:
        await asyncio.Event().wait()
    finally:
        await exchange.stop()
