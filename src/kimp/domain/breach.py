"""A venue that trades worse than it may, or takes more than it says: its rules are not what kimp takes them for."""

from collections.abc import Iterable
from decimal import Decimal

from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, ONE, Asset, exact

FEE_MARGIN = Decimal("0.1")
ROUNDED_KRW, ROUNDED = Decimal("0.01"), Decimal("0.00000001")
"""A venue may round its fee up to such a part of the asset; of a dear coin a hundredth would be a fortune."""


@exact
def breach_of(
    side: Side, limit_price: Decimal, taker_fee: Decimal, coin: Asset, cash: Asset, fills: Iterable[Fill]
) -> str | None:
    """The first fill beyond the order's limit, or with a fee beyond the expected ratio; None if all is as agreed.

    A fee in another asset than the coin or the cash (BNB) is not compared: it is booked, and valued at the market.
    """
    for fill in fills:
        if fill.price > limit_price if side is Side.BUY else fill.price < limit_price:
            return f"filled at {fill.price:f}, beyond its limit {limit_price:f}"
        bases = {coin: fill.quantity, cash: fill.price * fill.quantity}
        base = bases.get(fill.fee_asset)
        rounded = ROUNDED_KRW if fill.fee_asset == KRW else ROUNDED
        if base is not None and fill.fee > base * taker_fee * (ONE + FEE_MARGIN) + rounded:
            return f"a fee of {fill.fee:f} {fill.fee_asset} for {base:f}, {taker_fee:.4%} expected"
    return None
