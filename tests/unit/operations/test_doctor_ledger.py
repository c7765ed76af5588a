"""Whether the books say what the venues say, as `kimp doctor` tells it."""

from decimal import Decimal
from typing import Any, cast

import pytest

from kimp.domain.errors import KimpError, Unavailable
from kimp.domain.ledger import Account, Holder
from kimp.domain.money import KRW, Asset
from kimp.domain.venues import Venue
from kimp.operations.doctor import DoctorWarning, ledger_agrees
from kimp.ports.exchange import Balance, Balances

XRP = Asset("XRP")


class Books:
    """The parts of a database that are asked here."""

    def __init__(self, balances: dict[tuple[Holder, Asset], Decimal], *, unfinished: int = 0) -> None:
        self.ledger = self.read_model = self
        self._balances = balances
        self._unfinished = unfinished

    async def opened(self) -> set[Venue]:
        return {where for where, _ in self._balances if isinstance(where, Venue)}

    async def balances(self) -> dict[tuple[Holder, Asset], Decimal]:
        return self._balances

    async def cycles(self, **_asked: object) -> list[object]:
        return [object()] * self._unfinished


class Holds:
    """A venue."""

    def __init__(self, **amounts: int) -> None:
        self._amounts = amounts
        self.unreadable: tuple[Asset, ...] = ()
        self.away = False

    async def balances(self) -> Balances:
        if self.away:
            raise Unavailable("asks for a pause", venue=Venue.UPBIT)
        held = {Asset(coin): Balance(Decimal(amount), Decimal(0)) for coin, amount in self._amounts.items()}
        return Balances(held, self.unreadable)


async def reported(books: Books, upbit: Holds) -> str:
    return await ledger_agrees(cast("Any", books), cast("Any", {Venue.UPBIT: upbit}))


BOOKED: dict[tuple[Holder, Asset], Decimal] = {(Venue.UPBIT, KRW): Decimal(100), (Venue.UPBIT, XRP): Decimal(5)}


async def test_books_that_say_what_the_venues_say() -> None:
    assert await reported(Books(BOOKED), Holds(KRW=100, XRP=5)) == (
        "the ledger equals the venues, 2 balances; 0 cycles under way"
    )


async def test_before_the_first_start_there_is_nothing_to_compare() -> None:
    assert "nothing is booked on upbit yet" in await reported(Books({}), Holds(KRW=100))


async def test_a_difference_that_no_cycle_explains_is_a_failure_with_both_amounts() -> None:
    with pytest.raises(KimpError, match=r"upbit KRW: ledger 100, venue 90; no cycle is under way") as failed:
        await reported(Books(BOOKED), Holds(KRW=90, XRP=5))
    assert not isinstance(failed.value, DoctorWarning)


async def test_what_a_cycle_may_not_have_booked_yet_is_doubtful_and_what_travels_is_nothing() -> None:
    travelling = BOOKED | {(Account.IN_TRANSIT, XRP): Decimal(7)}
    assert "1 cycle under way" in await reported(Books(travelling, unfinished=1), Holds(KRW=100, XRP=5))
    with pytest.raises(DoctorWarning, match=r"upbit XRP: ledger 5, venue 6; 1 cycle under way"):
        await reported(Books(travelling, unfinished=1), Holds(KRW=100, XRP=6))
    with pytest.raises(KimpError, match="in_transit XRP: ledger 7, venue 0"):
        await reported(Books(travelling), Holds(KRW=100, XRP=5))


async def test_a_venue_that_is_away_or_can_not_be_read_equals_nothing() -> None:
    upbit = Holds(KRW=100)
    upbit.unreadable = (XRP,)
    with pytest.raises(KimpError, match="upbit XRP: ledger 5, venue unreadable"):
        await reported(Books(BOOKED), upbit)
    upbit.away = True
    with pytest.raises(DoctorWarning, match="could not ask: upbit: asks for a pause"):
        await reported(Books(BOOKED), upbit)
