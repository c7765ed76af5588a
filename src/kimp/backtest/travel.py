"""How long coins travel and what that costs, by the chain that each is usually sent over.

Neither venue publishes how long its transfers took. The times are minutes from the request to the credit: a minute or
two of the sending venue's own work, block time x the confirmations that the receiving venue wants, and its crediting.
Published by the chains: block times. By the venues: confirmations and fees, which change; these are of 2025.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from kimp.domain.durations import MINUTE_MS
from kimp.domain.market import Network
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue

NINETY_FIFTH = 1.645
"""Of a normal distribution: so many of its deviations above the mean lies what one in twenty exceeds."""


@dataclass(frozen=True, slots=True)
class Travel:
    chain: str
    least_min: float
    usual_min: float
    """Half of all transfers take longer."""
    late_min: float
    """One in twenty takes longer."""
    fees: dict[Venue, Decimal] | None
    """In the coin; None: about a dollar."""
    source: str

    def draw_ms(self, chance: Random) -> int:
        """Most take about as long as is usual, a few very long: a lognormal distribution with these two points."""
        spread = math.log(self.late_min / self.usual_min) / NINETY_FIFTH
        minutes = max(self.least_min, chance.lognormvariate(math.log(self.usual_min), spread))
        return round(minutes * MINUTE_MS)


def _fees(won: str, dollars: str) -> dict[Venue, Decimal]:
    return {PAIR.won: Decimal(won), PAIR.dollars: Decimal(dollars)}


_LEDGER = "ledgers close every 3-5 s, final at once (xrpl.org, stellar.org); the venues' own work is the rest"
TABLE = {
    "XRP": Travel("XRP", 1, 3, 15, _fees("1", "0.2"), _LEDGER),
    "XLM": Travel("XLM", 1, 3, 15, _fees("0.05", "0.02"), _LEDGER),
    "SOL": Travel("SOL", 1, 3, 15, _fees("0.01", "0.001"), "slots of 0.4 s, final after 32 (solana.com)"),
    "TRX": Travel("TRX", 1, 4, 15, _fees("1", "1"), "blocks of 3 s, final after 19 (tron.network)"),
    "USDT": Travel("TRX", 1, 4, 15, _fees("1", "1"), "as TRX, whose chain carries it"),
    "ADA": Travel("ADA", 4, 8, 30, _fees("0.5", "0.8"), "blocks of 20 s x 15 (cardano.org)"),
    "ETH": Travel("ETH", 4, 8, 30, _fees("0.0018", "0.0004"), "slots of 12 s, final after 64 (ethereum.org)"),
    "DOGE": Travel("DOGE", 12, 30, 75, _fees("5", "4"), "blocks of 60 s x 20-40 (dogecoin.com)"),
    "LTC": Travel("LTC", 8, 18, 50, _fees("0.01", "0.0001"), "blocks of 150 s x 4-6 (litecoin.org)"),
    "BCH": Travel("BCH", 15, 45, 120, _fees("0.001", "0.0001"), "blocks of 600 s x 3-6 (bitcoincash.org)"),
    "BTC": Travel("BTC", 10, 30, 90, _fees("0.0002", "0.00003"), "blocks of 600 s x 1-3 (bitcoin.org)"),
}
OTHER = Travel("a chain that is not in the table", 3, 10, 45, None, "between the quick and the slow ones above")
"""Whatever the table lacks: most are tokens on Ethereum or chains of their own."""


def travel_of(coin: Asset) -> Travel:
    return TABLE.get(coin, OTHER)


def assumed_networks(coin: Asset, dollar_price: Decimal) -> dict[Venue, Network]:
    """Both venues' ends of the way, open. `dollar_price`: of one coin, for fees that are about a dollar."""
    travel = travel_of(coin)
    about_a_dollar = Decimal(1).scaleb(-dollar_price.adjusted()) if dollar_price > 0 else Decimal(1)
    fees = travel.fees or dict.fromkeys(PAIR, about_a_dollar)
    return {
        venue: Network(
            venue=venue,
            coin=coin,
            name=travel.chain,
            withdraw_fee=fee,
            withdraw_min=2 * fee,
            withdraw_step=Decimal("1e-6"),
            withdraw_open=True,
            deposit_open=True,
            tag_required=False,
        )
        for venue, fee in fees.items()
    }
