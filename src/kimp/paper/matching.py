"""How much of an order trades against a displayed book, and at which prices. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.market import Side
from kimp.paper.amounts import ZERO, exact, floor_to
from kimp.paper.book import BookLevel


@dataclass(frozen=True, slots=True)
class Match:
    price: Decimal
    quantity: Decimal

    @property
    def funds(self) -> Decimal:
        return self.price * self.quantity


def reaches(side: Side, limit: Decimal | None, price: Decimal) -> bool:
    """Whether an order with that limit trades at that price."""
    return limit is None or (price <= limit if side is Side.BUY else price >= limit)


@exact
def walk_quantity(levels: Sequence[BookLevel], side: Side, limit: Decimal | None, wanted: Decimal) -> list[Match]:
    """Take up to `wanted` coins, best level first, nothing beyond the limit."""
    takes: list[Match] = []
    for level in levels:
        if wanted <= ZERO or not reaches(side, limit, level.price):
            break
        quantity = min(wanted, level.quantity)
        takes.append(Match(level.price, quantity))
        wanted -= quantity
    return takes


@exact
def walk_budget(levels: Sequence[BookLevel], limit: Decimal | None, budget: Decimal, lot: Decimal) -> list[Match]:
    """Spend up to `budget` cash on coins in whole lots; less than one lot's price may be left."""
    takes: list[Match] = []
    for level in levels:
        if not reaches(Side.BUY, limit, level.price):
            break
        quantity = min(floor_to(budget / level.price, lot), level.quantity)
        if quantity <= ZERO:
            break
        takes.append(Match(level.price, quantity))
        budget -= takes[-1].funds
    return takes


@exact
def first_of(takes: Iterable[Match], quantity: Decimal, lot: Decimal) -> list[Match]:
    """The first of them, together at most `quantity` coins, in whole lots."""
    chosen: list[Match] = []
    left = floor_to(quantity, lot)
    for take in takes:
        if left <= ZERO:
            break
        chosen.append(Match(take.price, min(take.quantity, left)))
        left -= chosen[-1].quantity
    return chosen


@exact
def in_pieces(takes: Sequence[Match], pieces: int, lot: Decimal) -> list[Match]:
    """The same trade in at least so many fills of whole lots; it has to have as many lots."""
    total = sum((take.quantity for take in takes), ZERO)
    piece = floor_to(total / pieces, lot)
    cut: list[Match] = []
    for take in takes:
        left = take.quantity
        while left > ZERO:
            cut.append(Match(take.price, min(piece, left)))
            left -= cut[-1].quantity
    return cut
