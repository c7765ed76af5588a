"""How long coins travel, by the chain that each is usually sent over (`kimp.domain.assumed`).

Neither venue publishes how long its transfers took. The times are minutes from the request to the credit: a minute or
two of the sending venue's own work, block time x the confirmations that the receiving venue wants, and its crediting.
Published by the chains: block times. By the venues: confirmations, which change; these are of 2025.
"""

import math
from dataclasses import dataclass
from random import Random

from kimp.domain.durations import MINUTE_MS
from kimp.domain.money import Asset

NINETY_FIFTH = 1.645
"""Of a normal distribution: so many of its deviations above the mean lies what one in twenty exceeds."""


@dataclass(frozen=True, slots=True)
class Travel:
    least_min: float
    usual_min: float
    """Half of all transfers take longer."""
    late_min: float
    """One in twenty takes longer."""
    source: str

    def draw_ms(self, chance: Random) -> int:
        """Most take about as long as is usual, a few very long: a lognormal distribution with these two points."""
        spread = math.log(self.late_min / self.usual_min) / NINETY_FIFTH
        minutes = max(self.least_min, chance.lognormvariate(math.log(self.usual_min), spread))
        return round(minutes * MINUTE_MS)


_LEDGER = "ledgers close every 3-5 s, final at once (xrpl.org, stellar.org); the venues' own work is the rest"
TABLE = {
    "XRP": Travel(1, 3, 15, _LEDGER),
    "XLM": Travel(1, 3, 15, _LEDGER),
    "SOL": Travel(1, 3, 15, "slots of 0.4 s, final after 32 (solana.com)"),
    "TRX": Travel(1, 4, 15, "blocks of 3 s, final after 19 (tron.network)"),
    "USDT": Travel(1, 4, 15, "as TRX, whose chain carries it"),
    "ADA": Travel(4, 8, 30, "blocks of 20 s x 15 (cardano.org)"),
    "ETH": Travel(4, 8, 30, "slots of 12 s, final after 64 (ethereum.org)"),
    "DOGE": Travel(12, 30, 75, "blocks of 60 s x 20-40 (dogecoin.com)"),
    "LTC": Travel(8, 18, 50, "blocks of 150 s x 4-6 (litecoin.org)"),
    "BCH": Travel(15, 45, 120, "blocks of 600 s x 3-6 (bitcoincash.org)"),
    "BTC": Travel(10, 30, 90, "blocks of 600 s x 1-3 (bitcoin.org)"),
}
OTHER = Travel(3, 10, 45, "between the quick and the slow ones above")
"""Whatever the table lacks: most are tokens on Ethereum or chains of their own."""


def travel_of(coin: Asset) -> Travel:
    return TABLE.get(coin, OTHER)
