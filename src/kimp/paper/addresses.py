"""Deposit addresses of both venues, made from the coin's and network's names: the same in every run."""

import hashlib
from dataclasses import dataclass

from kimp.domain.venues import PAIR, Venue
from kimp.paper.coins import CoinConfig, PaperNetwork

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
FIRST_LETTERS = {"XRP": "r", "TRX": "T", "DOGE": "D", "XLM": "G", "ADA": "addr1"}
ADDRESS_LENGTH = 34


@dataclass(frozen=True, slots=True)
class PaperAddress:
    coin: str
    network: str
    address: str
    tag: str | None
    """Destination tag or memo; None where the network takes none."""


def derive_address(venue: Venue, coin: CoinConfig, network: PaperNetwork) -> PaperAddress:
    digest = hashlib.sha256(f"{venue}/{coin.name}/{network.name}".encode()).digest()
    body = "".join(BASE58[byte % len(BASE58)] for byte in digest + digest)
    first = FIRST_LETTERS.get(network.name, "")
    tag = str(int.from_bytes(digest[:4], "big")) if network.tag_required else None
    return PaperAddress(coin.name, network.name, (first + body)[:ADDRESS_LENGTH], tag)


class AddressBook:
    """Who owns which address: the chain's view of both venues."""

    def __init__(self, coins: tuple[CoinConfig, ...]) -> None:
        self._own = {
            (venue, coin.name, network.name): derive_address(venue, coin, network)
            for venue in PAIR
            for coin in coins
            for network in coin.networks
        }
        self._owner = {(a.coin, a.network, a.address): venue for (venue, _, _), a in self._own.items()}

    def of(self, venue: Venue, coin: str, network: str) -> PaperAddress | None:
        return self._own.get((venue, coin, network))

    def owner(self, target: PaperAddress) -> Venue | None:
        """The venue that coins sent there reach, whatever their tag."""
        return self._owner.get((target.coin, target.network, target.address))

    def credits(self, target: PaperAddress) -> bool:
        """Whether the tag is right too, so that the coins find the customer's account."""
        owner = self.owner(target)
        return owner is not None and self.of(owner, target.coin, target.network) == target

    def all(self, venue: Venue) -> list[PaperAddress]:
        return [address for (owner, _, _), address in self._own.items() if owner is venue]


class Registrations:
    """Where each venue lets its customer send coins: at first all of the other venue's own addresses.

    On the real venues a person keeps these lists on their web pages; here the admin listener changes them.
    """

    def __init__(self, addresses: AddressBook) -> None:
        self._lists = {venue: addresses.all(PAIR.other(venue)) for venue in PAIR}

    def of(self, venue: Venue) -> list[PaperAddress]:
        """The list of the venue that sends."""
        return list(self._lists[venue])

    def replace(self, venue: Venue, coin: str, addresses: list[PaperAddress]) -> None:
        """All of the coin's at that venue; an empty list takes them off."""
        self._lists[venue] = [*(a for a in self._lists[venue] if a.coin != coin), *addresses]
