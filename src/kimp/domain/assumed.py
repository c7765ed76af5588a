"""What the venues tell only to those who have a key, as it is taken to be where none is given.

Looked up on 2026-11-23: taker fees of an account without a discount, on both venues' fee pages; network fees as others
measured them, since no venue publishes a table. An account's own may differ, and a wallet may be closed: whatever is
decided by these figures says so.
"""

from collections.abc import Mapping
from decimal import Decimal

from kimp.domain.market import Network
from kimp.domain.money import CONTEXT, ONE, ZERO, Asset, exact, round_up
from kimp.domain.venues import Venue

AS_OF = "2026-11-23"
NETWORK_FEE_USDT = ONE
"""What the way of a coin is taken to cost of which nobody measured it."""
NETWORK = "assumed"
STEP = Decimal("1e-8")


@exact
def assumed_network(
    venue: Venue, coin: Asset, measured: Mapping[Asset, Decimal], price_usdt: Decimal | None
) -> Network | None:
    """Open both ways. None where nothing can be said of the fee, as the coin has no price.

    `measured`: fees in the coin.
    """
    fee = measured.get(coin)
    if fee is None:
        if price_usdt is None or price_usdt <= ZERO:
            return None
        fee = round_up(CONTEXT.divide(NETWORK_FEE_USDT, price_usdt), STEP)
    return Network(
        venue=venue,
        coin=coin,
        name=NETWORK,
        withdraw_fee=fee,
        withdraw_min=fee,
        withdraw_step=STEP,
        withdraw_open=True,
        deposit_open=True,
        tag_required=False,
    )
