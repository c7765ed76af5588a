"""However one of the three places that must agree is changed, the transfer is refused."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from fakes.journal import MemoryJournal
from fakes.market import ManualClock
from fakes.venue import FakeVenue

from activities.transfers import TransferActivities
from kimp.contracts.transfers import Address, TransferRequest
from kimp.domain.errors import KeyRefused
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Direction

POISONED = 12_000
LETTERS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
ALIKE = str.maketrans({"a": "\u0430", "e": "\u0435", "o": "\u043e", "A": "\u0391", "B": "\u0392", "1": "\u0661"})
"""Letters of other alphabets that look the same."""
PARTIES = ("allow-list", "registration", "destination")


@dataclass
class Place(FakeVenue):
    """A venue whose wallet side a test writes."""

    reported: Address = field(default_factory=lambda: Address(network="-", address="-"))
    registered: list[Address] = field(default_factory=list)

    async def deposit_address(self, coin: Asset) -> Address:
        return self.reported

    async def registered_addresses(self, coin: Asset) -> Sequence[Address]:
        return self.registered


def drawn_place(draw: random.Random, coin: str) -> Address:
    address = "".join(draw.choices(LETTERS, k=draw.randint(25, 60)))
    tag = str(draw.randrange(10**9)) if draw.random() < 0.5 else None
    return Address(network=coin, address=address, tag=tag)


def other_texts(draw: random.Random, text: str) -> Iterator[str]:
    """All the ways in which a typing error, a careless copy or a thief changes it."""
    at = draw.randrange(len(text))
    yield text[:at] + draw.choice(LETTERS) + text[at + 1 :]
    yield text[:at] + text[at + 1 :]
    yield text[:at] + draw.choice(LETTERS) + text[at:]
    yield text[:at] + text[at : at + 2][::-1] + text[at + 2 :]
    yield text.swapcase()
    yield text.translate(ALIKE)
    yield draw.choice((text + " ", " " + text, text + "\n", text + "\u200b", "0" + text))
    yield text * 2
    yield ""
    yield "".join(draw.choices(LETTERS, k=len(text)))


def poisoned(draw: random.Random, place: Address) -> tuple[str, Address]:
    """One field changed. Without a tag one is added; with one it may go."""
    name = draw.choice(("network", "address", "tag"))
    present = getattr(place, name)
    if present is None:
        return "tag added", place.model_copy(update={"tag": draw.choice(("", "0", str(draw.randrange(10**9))))})
    if name == "tag" and draw.random() < 0.2:
        return "tag removed", place.model_copy(update={"tag": None})
    changed = draw.choice([text for text in other_texts(draw, present) if text != present])
    return name, place.model_copy(update={name: changed})


async def accepted(coin: Asset, direction: Direction, allowed: Address, listed: Address, reported: Address) -> bool:
    source = Place(direction.source, {}, registered=[listed])
    destination = Place(direction.destination, {}, reported=reported)
    work = TransferActivities(
        {source.venue: source, destination.venue: destination},
        MemoryJournal(),
        {(source.venue, coin): allowed},
        ManualClock(),
    )
    try:
        terms = await work.prepare_transfer(TransferRequest(cycle_id=f"{coin}-1", coin=coin, direction=direction))
    except KeyRefused:
        return False
    assert (terms.address, terms.out.venue, terms.into.venue) == (reported, direction.source, direction.destination)
    return True


async def test_no_poisoned_place_is_ever_accepted() -> None:
    draw = random.Random(20_241_203)
    seen: Counter[tuple[str, str]] = Counter()
    let_through = []
    for number in range(POISONED):
        coin, direction = Asset(draw.choice(("XRP", "XLM", "SOL", "USDT"))), draw.choice(list(PAIR.directions))
        place = drawn_place(draw, coin)
        # Every tenth is good, so that a check that refuses everything does not pass.
        if number % 10 == 0:
            assert await accepted(coin, direction, place, place, place)
        party = draw.randrange(len(PARTIES))
        what, changed = poisoned(draw, place)
        three = [place] * len(PARTIES)
        three[party] = changed
        seen[PARTIES[party], what] += 1
        if await accepted(coin, direction, *three):
            let_through.append((PARTIES[party], what, changed, place))
    assert let_through == []
    assert seen.total() == POISONED
    assert min(seen.values()) > POISONED / 200, "every field of every party was changed often"
    assert len(seen) == 5 * len(PARTIES)


async def test_two_that_agree_on_a_wrong_place_do_not_outvote_the_third() -> None:
    draw = random.Random(7)
    coin = Asset("XRP")
    for _ in range(2_000):
        place = drawn_place(draw, coin)
        _, changed = poisoned(draw, place)
        three = [changed] * len(PARTIES)
        three[draw.randrange(len(PARTIES))] = place
        assert not await accepted(coin, draw.choice(list(PAIR.directions)), *three)
