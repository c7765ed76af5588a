"""Order books behind their tops: what an order of some size pays when it takes level after level."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from kimp.domain.errors import BadAmount
from kimp.domain.market import Quote, Side
from kimp.domain.money import ZERO, decimal, exact

MOST_LEVELS = 30
"""Of one side; neither venue shows more at once."""
LONGEST = 80
"""Characters of a level."""
LEAST, MOST = Decimal("1E-18"), Decimal("1E+18")
"""No price or size of any coin is beyond these."""


class Level(NamedTuple):
    price: Decimal
    size: Decimal


class Walk(NamedTuple):
    """What the levels give to an order."""

    quantity: Decimal
    """Less than was asked for where the book, as far as it is known, carries no more."""
    funds: Decimal
    """What it costs or brings, before fees."""
    worst: Decimal
    """Price of the last level that it takes."""


def levels_text(levels: Iterable[tuple[object, object]]) -> str:
    """Price and size of each level as a quote carries those behind its top."""
    return " ".join([f"{price}:{size}" for price, size in levels])


def levels(quote: Quote, side: Side) -> Iterator[Level]:
    """What an order of that side takes, best first: asks for a buy, bids for a sale.

    It ends before a level that can't be true, as one that is no worse than the one before it: a book may turn out
    thinner than it was told, never better.
    """
    buying = side is Side.BUY
    if buying:
        level, behind = Level(quote.ask, quote.ask_size), quote.asks_behind
    else:
        level, behind = Level(quote.bid, quote.bid_size), quote.bids_behind
    yield level
    if not behind:
        return
    for text in behind.split(" ", MOST_LEVELS)[: MOST_LEVELS - 1]:
        last, read = level, _read(text)
        if read is None or not (read.price > last.price if buying else read.price < last.price):
            return
        level = read
        yield level


def _read(text: str) -> Level | None:
    price, _, size = text.partition(":")
    if len(text) > LONGEST:
        return None
    try:
        level = Level(decimal(price), decimal(size))
    except BadAmount:
        return None
    sized = level.size == ZERO or LEAST <= level.size <= MOST
    return level if sized and LEAST <= level.price <= MOST else None


@exact
def walk(quote: Quote, side: Side, quantity: Decimal) -> Walk:
    """An order for `quantity` coins."""
    worst, size = (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)
    if quantity <= size:  # most are: nothing behind the top is read
        return Walk(quantity, quantity * worst, worst)
    left, funds = quantity, ZERO
    for level in levels(quote, side):
        if left <= ZERO:
            break
        taken = min(left, level.size)
        if taken > ZERO:
            left, funds, worst = left - taken, funds + taken * level.price, level.price
    return Walk(quantity - left, funds, worst)


@exact
def average(quote: Quote, side: Side, quantity: Decimal) -> Decimal:
    """Price of a coin where so many are traded; what the book does not carry counts as the worst level of it."""
    taken = walk(quote, side, quantity)
    if not quantity:
        return taken.worst
    return (taken.funds + (quantity - taken.quantity) * taken.worst) / quantity


@exact
def coins_for(quote: Quote, funds: Decimal) -> tuple[Decimal, bool]:
    """The coins that `funds` buy, fees aside, and whether the book, as far as it is known, carries all of that."""
    if funds <= quote.ask * quote.ask_size:
        return funds / quote.ask, True
    coins = ZERO
    for level in levels(quote, Side.BUY):
        whole = level.price * level.size
        if funds <= whole:
            return coins + funds / level.price, True
        coins, funds = coins + level.size, funds - whole
    return coins, False


@exact
def cash_within(quote: Quote, side: Side, slippage: Decimal) -> Decimal:
    """What an order of that side can spend or bring, fees aside, at prices no further than `slippage` from the best."""
    if side is Side.BUY:
        most = quote.ask * (1 + slippage)
        return sum((level.price * level.size for level in levels(quote, side) if level.price <= most), ZERO)
    least = quote.bid * (1 - slippage)
    return sum((level.price * level.size for level in levels(quote, side) if level.price >= least), ZERO)
