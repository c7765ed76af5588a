"""The ledger beside the venues' own balances."""

from collections.abc import Mapping
from decimal import Decimal

from kimp.domain.ledger import Account
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue
from kimp.ports.exchange import MarketData
from kimp.ports.ledger import Ledger

Pairs = dict[tuple[str, Asset], tuple[Decimal, Decimal | None]]
"""None: the venue's row of the coin can't be read, so it equals nothing."""


async def compare(ledger: Ledger, venues: Mapping[Venue, MarketData]) -> Pairs:
    """(account, asset) -> (ledger, venue). What is in transit has no venue that could confirm it: zero is expected."""
    booked = await ledger.balances()
    pairs: Pairs = {}
    for venue, exchange in venues.items():
        balances = await exchange.balances()
        theirs = {asset: held.total for asset, held in balances.items()}
        ours = {asset: amount for (where, asset), amount in booked.items() if where is venue}
        for asset in theirs.keys() | ours.keys():
            pairs[venue, asset] = (ours.get(asset, ZERO), theirs.get(asset, ZERO))
        pairs |= {(venue, asset): (ours.get(asset, ZERO), None) for asset in balances.unreadable}
    for (where, asset), amount in booked.items():
        if where is Account.IN_TRANSIT:
            pairs[where, asset] = (amount, ZERO)
    return {key: pair for key, pair in pairs.items() if pair != (ZERO, ZERO)}
