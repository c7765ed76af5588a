"""The steps of Upbit's won prices."""

from decimal import Decimal

from kimp.domain.market import TickBand

KRW_TICKS = tuple(
    TickBand(Decimal(price), Decimal(tick))
    for price, tick in (
        ("1000000", "1000"),
        ("500000", "500"),
        ("100000", "100"),
        ("50000", "50"),
        ("10000", "10"),
        ("5000", "5"),
        ("1000", "1"),
        ("100", "1"),
        ("10", "0.1"),
        ("1", "0.01"),
        ("0.1", "0.001"),
        ("0.01", "0.0001"),
        ("0.001", "0.00001"),
        ("0.0001", "0.000001"),
        ("0.00001", "1e-7"),
        ("0", "1e-8"),
    )
)
"""docs.upbit.com, krw-market-info, in force since 2025-07-31."""
