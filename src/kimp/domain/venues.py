"""The venues that kimp trades on, what differs between them, and the ways between them.

The one place that knows one venue from another: all else asks the venue, or the market and wallet that were read from
it. A venue is declared where a module is loaded, and what it is never changes, so code that is replayed may ask it as
it may read a constant.
"""

from collections.abc import Callable, Collection
from typing import Any, ClassVar, NamedTuple, Self

from kimp.domain.money import KRW, USDT, Asset


class _Declared(str):
    """Travels as its bare name, and there is one object of each name, so that `is` compares.

    Raises ValueError for a name that was not declared.
    """

    __slots__ = ()
    _known: ClassVar[dict[str, Any]]

    def __new__(cls, name: str) -> Self:
        found: Self | None = cls._known.get(name)
        if found is None:
            raise ValueError(f"{str(name)[:40]!a} is none of {', '.join(cls._known)}")
        return found

    @classmethod
    def _named(cls, name: str) -> Self:
        """A new one. Raises ValueError if there is one of that name."""
        if name in cls._known:
            raise ValueError(f"{name!r} was declared already")
        made = cls._known[name] = str.__new__(cls, name)
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, _: object, handler: Callable[[type[str]], dict[str, Any]]) -> dict[str, Any]:
        """By this name pydantic asks how to check one in a message; of pydantic itself the domain knows nothing."""
        return {"type": "function-after", "function": {"type": "no-info", "function": cls}, "schema": handler(str)}


class Venue(_Declared):
    """An exchange that kimp trades on."""

    __slots__ = ("buy_fee_on_top", "cash", "withdraw_fee_on_top")
    _known: ClassVar[dict[str, Any]] = {}

    UPBIT: ClassVar["Venue"]
    BINANCE: ClassVar["Venue"]

    cash: Asset
    """The asset that prices are quoted in here."""
    buy_fee_on_top: bool
    """A buy takes its fee in cash, beside the price; else out of the coins that it brings."""
    withdraw_fee_on_top: bool
    """The network fee is taken beside the amount that is asked for; else out of it."""

    @classmethod
    def declare(cls, name: str, *, cash: Asset, buy_fee_on_top: bool, withdraw_fee_on_top: bool) -> Self:
        """And the ways between it and all venues in other cash that were declared before."""
        others = [other for other in cls._known.values() if other.cash != cash]
        venue = cls._named(name)
        venue.cash, venue.buy_fee_on_top, venue.withdraw_fee_on_top = cash, buy_fee_on_top, withdraw_fee_on_top
        for other in others:
            Direction.declare(venue, other)
            Direction.declare(other, venue)
        return venue


class Direction(_Declared):
    """Which way a coin travels. Leg one goes out in one direction, rebalancing comes home in the opposite one."""

    __slots__ = ("destination", "pair", "source")
    _known: ClassVar[dict[str, Any]] = {}

    TO_UPBIT: ClassVar["Direction"]
    TO_BINANCE: ClassVar["Direction"]

    source: Venue
    destination: Venue
    pair: "Pair"

    @classmethod
    def declare(cls, source: Venue, destination: Venue) -> Self:
        direction = cls._named(_way(source, destination))
        direction.source, direction.destination = source, destination
        direction.pair = Pair.of((source, destination))
        return direction

    @property
    def opposite(self) -> "Direction":
        return self.pair.way_from(self.destination)


class Pair(NamedTuple):
    """The two venues that cycles go between."""

    won: Venue
    dollars: Venue

    @classmethod
    def of(cls, venues: Collection[Venue]) -> "Pair":
        """Raises ValueError unless one of them trades in won and one in USDT."""
        won = [venue for venue in venues if venue.cash == KRW]
        dollars = [venue for venue in venues if venue.cash == USDT]
        if len(won) != 1 or len(dollars) != 1:
            raise ValueError(f"{' and '.join(venues)} are no pair: kimp trades between one venue in won, one in USDT")
        return cls(won[0], dollars[0])

    def other(self, venue: Venue) -> Venue:
        return self.dollars if venue is self.won else self.won

    def way_from(self, source: Venue) -> Direction:
        return Direction(_way(source, self.other(source)))

    @property
    def directions(self) -> tuple[Direction, Direction]:
        """Into won first."""
        return self.way_from(self.dollars), self.way_from(self.won)


_OWN_NAMES = {("binance", "upbit"): "to_upbit", ("upbit", "binance"): "to_binance"}
"""Of directions that histories and databases know by another name than `source>destination`."""


def _way(source: Venue, destination: Venue) -> str:
    return _OWN_NAMES.get((source, destination), f"{source}>{destination}")


# Fees: docs.upbit.com (orders, withdraw) and developers.binance.com (new order, withdraw).
Venue.UPBIT = Venue.declare("upbit", cash=KRW, buy_fee_on_top=True, withdraw_fee_on_top=True)
Venue.BINANCE = Venue.declare("binance", cash=USDT, buy_fee_on_top=False, withdraw_fee_on_top=False)
Direction.TO_UPBIT, Direction.TO_BINANCE = Direction("to_upbit"), Direction("to_binance")
PAIR = Pair(Venue.UPBIT, Venue.BINANCE)
"""What kimp trades between, in the order in which it lists both."""
