"""What the accounts held before the first cycle ever."""

import asyncio
import logging
from collections.abc import Mapping

from kimp.domain.errors import Unavailable
from kimp.domain.ledger import opening_entry
from kimp.domain.venues import Venue
from kimp.ports.exchange import MarketData
from kimp.ports.ledger import Ledger

RETRY_S = 5.0
log = logging.getLogger(__name__)


async def open_ledger(venues: Mapping[Venue, MarketData], ledger: Ledger) -> None:
    """Book it, once; a venue that is away now is asked until it answers."""
    opened = await ledger.opened()
    for venue, exchange in venues.items():
        while venue not in opened:
            try:
                held = await exchange.balances()
            except Unavailable as error:
                log.warning("the opening balance of %s can't be read yet: %s", venue, error)
                await asyncio.sleep(RETRY_S)
                continue
            if held.unreadable:
                coins = ", ".join(sorted(held.unreadable))
                log.warning("the opening balance of %s can't be read yet: its rows of %s are unreadable", venue, coins)
                await asyncio.sleep(RETRY_S)
                continue
            await ledger.book([opening_entry(venue, {asset: balance.total for asset, balance in held.items()})])
            break
