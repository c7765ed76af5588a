"""Which coins can be traded between two venues, by what both list; and why the others can't."""

from collections.abc import Mapping
from dataclasses import dataclass

from kimp.domain.money import USDT, Asset
from kimp.domain.other_coins import OTHER_COINS
from kimp.domain.venues import Venue

Listing = Mapping[Asset, str]
"""Coins with a market in a venue's cash, each with what the venue says against it: nothing, as a rule."""


@dataclass(frozen=True, slots=True)
class Discovered:
    """What is common to the venues."""

    coins: tuple[Asset, ...]
    """By name, without USDT."""
    left_out: Mapping[Asset, str]
    """Common too, with the reason why not."""


def discover(listings: Mapping[Venue, Listing], other_coins: Mapping[str, str] = OTHER_COINS) -> Discovered:
    """`other_coins`: names that stand for another coin on each venue, with the reason."""
    common = frozenset[Asset].intersection(*(frozenset(listing) for listing in listings.values())) - {USDT}
    left_out: dict[Asset, str] = {}
    for coin in sorted(common):
        flags = [f"{venue}: {flag}" for venue, listing in listings.items() if (flag := listing[coin])]
        if reason := other_coins.get(coin) or "; ".join(flags):
            left_out[coin] = reason
    return Discovered(tuple(sorted(common - left_out.keys())), left_out)


def where_missing(coin: Asset, listings: Mapping[Venue, Listing]) -> list[Venue]:
    """Venues that list no market of the coin."""
    return [venue for venue, listing in listings.items() if coin not in listing]
