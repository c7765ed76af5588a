"""Fees of the networks and wallets, as they are taken to be where no key asks the venues for them.

No venue publishes a table; these are of 2025, as others measured them, with the chain that each coin is usually sent
over. A venue's own fee may differ, and a wallet may be closed: whatever is decided by these figures says so.
"""

from collections.abc import Mapping
from decimal import Decimal

from kimp.domain.market import Network
from kimp.domain.money import ONE, ZERO, Asset
from kimp.domain.venues import PAIR, Venue

AS_OF = 2025
UNKNOWN_CHAIN = "a chain that is not in the table"
STEP = Decimal("1e-6")


def _way(chain: str, won: str, dollars: str) -> tuple[str, Mapping[Venue, Decimal]]:
    return chain, {PAIR.won: Decimal(won), PAIR.dollars: Decimal(dollars)}


_WAYS = {
    "XRP": _way("XRP", "1", "0.2"),
    "XLM": _way("XLM", "0.05", "0.02"),
    "SOL": _way("SOL", "0.01", "0.001"),
    "TRX": _way("TRX", "1", "1"),
    "USDT": _way("TRX", "1", "1"),
    "ADA": _way("ADA", "0.5", "0.8"),
    "ETH": _way("ETH", "0.0018", "0.0004"),
    "DOGE": _way("DOGE", "5", "4"),
    "LTC": _way("LTC", "0.01", "0.0001"),
    "BCH": _way("BCH", "0.001", "0.0001"),
    "BTC": _way("BTC", "0.0002", "0.00003"),
}
"""Chain, and what each venue takes for a withdrawal, in the coin."""


def usual_chain(coin: Asset) -> str | None:
    """None: the table lacks it."""
    return _WAYS[coin][0] if coin in _WAYS else None


def assumed_networks(coin: Asset, dollar_price: Decimal) -> dict[Venue, Network]:
    """Both venues' ends of the way, open. `dollar_price`: of one coin, for fees that are about a dollar."""
    about_a_dollar = ONE.scaleb(-dollar_price.adjusted()) if dollar_price > ZERO else ONE
    chain, fees = _WAYS.get(coin, (UNKNOWN_CHAIN, dict.fromkeys(PAIR, about_a_dollar)))
    return {
        venue: Network(
            venue=venue,
            coin=coin,
            name=chain,
            withdraw_fee=fee,
            withdraw_min=2 * fee,
            withdraw_step=STEP,
            withdraw_open=True,
            deposit_open=True,
            tag_required=False,
        )
        for venue, fee in fees.items()
    }
