"""The venues that kimp trades on, and the ways between them."""

from enum import StrEnum

from kimp.domain.money import KRW, USDT, Asset


class Venue(StrEnum):
    """An exchange that kimp trades on."""

    UPBIT = "upbit"
    BINANCE = "binance"

    @property
    def cash(self) -> Asset:
        """The asset that prices are quoted in here: won on Upbit, USDT on Binance."""
        return KRW if self is Venue.UPBIT else USDT

    @property
    def other(self) -> "Venue":
        return Venue.BINANCE if self is Venue.UPBIT else Venue.UPBIT


class Direction(StrEnum):
    """Which way a coin travels. Leg one goes out in one direction, rebalancing comes home in the opposite one."""

    TO_UPBIT = "to_upbit"
    TO_BINANCE = "to_binance"

    @property
    def source(self) -> Venue:
        return Venue.BINANCE if self is Direction.TO_UPBIT else Venue.UPBIT

    @property
    def destination(self) -> Venue:
        return self.source.other

    @property
    def opposite(self) -> "Direction":
        return Direction.TO_BINANCE if self is Direction.TO_UPBIT else Direction.TO_UPBIT
