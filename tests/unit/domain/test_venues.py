"""The table of venues, and how a venue and a way travel."""

import copy

import pytest
from pydantic import BaseModel, ValidationError

from kimp.contracts.ticks import decode_last_value
from kimp.domain.errors import BadMessage
from kimp.domain.ledger import Account, Posting, holder
from kimp.domain.money import KRW, USDT
from kimp.domain.venues import PAIR, Direction, Pair, Venue


class Reported(BaseModel):
    venue: Venue
    direction: Direction
    posting: Posting
    by_venue: dict[Venue, int]


TEXT = (
    '{"venue":"binance","direction":"to_upbit","posting":{"account":"upbit","asset":"KRW","amount":"1"},'
    '"by_venue":{"upbit":1}}'
)


def test_they_travel_by_the_names_that_histories_know() -> None:
    reported = Reported.model_validate_json(TEXT)
    assert reported.model_dump_json() == TEXT
    assert reported.venue is Venue.BINANCE
    assert reported.direction is Direction.TO_UPBIT
    assert reported.posting.account is Venue.UPBIT
    assert Reported.model_validate(reported.model_dump()) == reported


def test_what_no_venue_holds_is_an_account_of_its_own() -> None:
    reported = Reported.model_validate_json(TEXT.replace('"account":"upbit"', '"account":"in_transit"'))
    assert reported.posting.account is Account.IN_TRANSIT
    assert holder("in_transit") is Account.IN_TRANSIT
    assert holder("upbit") is Venue.UPBIT
    with pytest.raises(ValueError, match="bithumb"):
        holder("bithumb")


@pytest.mark.parametrize("name", ["bithumb", "UPBIT", "", "upbit "])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is none of upbit, binance"):
        Venue(name)
    with pytest.raises(ValidationError, match="is none of upbit, binance"):
        Reported.model_validate_json(TEXT.replace("binance", name))
    quote = '[2,[["binance","XRP","1","1","2","1",0,"",""]]]'
    assert decode_last_value(quote.encode()).venue is Venue.BINANCE
    with pytest.raises(BadMessage, match="is none of"):
        decode_last_value(quote.replace("binance", name).encode())


def test_there_is_one_object_of_each() -> None:
    for venue in PAIR:
        assert Venue(str(venue)) is copy.deepcopy(venue) is venue
    for direction in PAIR.directions:
        assert copy.deepcopy(direction) is direction


def test_a_name_is_declared_once() -> None:
    with pytest.raises(ValueError, match="declared already"):
        Venue.declare("upbit", cash=USDT, buy_fee_on_top=False, withdraw_fee_on_top=False)
    assert Venue.UPBIT.cash == KRW


def test_a_way_and_the_way_back() -> None:
    assert (Direction.TO_UPBIT.source, Direction.TO_UPBIT.destination) == (Venue.BINANCE, Venue.UPBIT)
    assert Direction.TO_UPBIT.opposite is Direction.TO_BINANCE
    assert Direction.TO_BINANCE.opposite is Direction.TO_UPBIT
    assert PAIR.directions == (Direction.TO_UPBIT, Direction.TO_BINANCE)
    assert PAIR.way_from(Venue.UPBIT) is Direction.TO_BINANCE
    assert Direction.TO_UPBIT.pair == Direction.TO_BINANCE.pair == PAIR


def test_a_pair_trades_in_won_and_in_dollars() -> None:
    assert Pair.of([Venue.BINANCE, Venue.UPBIT]) == PAIR
    for venues in ([Venue.UPBIT], [Venue.UPBIT, Venue.UPBIT]):
        with pytest.raises(ValueError, match="are no pair"):
            Pair.of(venues)
