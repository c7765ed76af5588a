"""Newest quote wins; a frozen symbol is noticed."""

import asyncio
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from feeder.pending import Pending
from feeder.watch import SilenceWatch
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue

XRP, SOL = Asset("XRP"), Asset("SOL")


def quote(number: int, coin: Asset = XRP, venue: Venue = Venue.UPBIT, received_ms: int = 0) -> Quote:
    return Quote(venue, coin, Decimal(number), Decimal(1), Decimal(number + 1), Decimal(1), received_ms)


async def test_the_newest_quote_of_each_book_is_taken_once() -> None:
    pending = Pending()
    pending.put([quote(1), quote(5, SOL), quote(2)])
    pending.put([quote(3), quote(9, XRP, Venue.BINANCE)])
    assert await pending.take() == [quote(3), quote(5, SOL), quote(9, XRP, Venue.BINANCE)]
    taker = asyncio.create_task(pending.take())
    await asyncio.sleep(0)
    assert not taker.done()
    pending.put([quote(4)])
    assert await taker == [quote(4)]


async def test_what_was_put_back_does_not_replace_what_is_newer() -> None:
    pending = Pending()
    pending.put([quote(1), quote(5, SOL)])
    failed = await pending.take()
    pending.put([quote(2)])
    pending.put_back(failed)
    assert set(await pending.take()) == {quote(2), quote(5, SOL)}


@given(st.lists(st.tuples(st.integers(1, 100), st.sampled_from([XRP, SOL]), st.sampled_from(PAIR)), min_size=1))
def test_nothing_is_lost_but_what_was_superseded(rows: list[tuple[int, Asset, Venue]]) -> None:
    async def scenario() -> None:
        pending = Pending()
        for row in rows:
            pending.put([quote(*row)])
        taken = await pending.take()
        newest = {(venue, coin): number for number, coin, venue in rows}
        assert len(taken) == len(newest)
        assert {(q.venue, q.coin): q.bid for q in taken} == newest

    asyncio.run(scenario())


BOOKS = [(venue, coin) for venue in PAIR for coin in (XRP, SOL)]


def test_a_frozen_symbol_is_told_once() -> None:
    watch = SilenceWatch(BOOKS, 0, 1_000)
    watch.mark([quote(1, XRP, received_ms=1_500)])
    assert watch.newly_silent(2_000) == [(Venue.UPBIT, SOL)]
    assert watch.newly_silent(2_100) == []


def test_a_symbol_that_falls_silent_again_is_told_again() -> None:
    watch = SilenceWatch(BOOKS, 0, 1_000)
    watch.mark([quote(1, XRP, received_ms=1_500)])
    assert watch.newly_silent(2_000)
    watch.mark([quote(1, SOL, received_ms=2_100), quote(1, XRP, received_ms=2_100)])
    assert watch.newly_silent(2_200) == []
    watch.mark([quote(1, XRP, received_ms=4_000)])
    assert watch.newly_silent(4_100) == [(Venue.UPBIT, SOL)]


def test_a_venue_that_is_silent_altogether_is_the_streams_affair() -> None:
    assert SilenceWatch(BOOKS, 0, 1_000).newly_silent(10_000) == []
