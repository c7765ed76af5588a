"""Frames of both venues' streams: exact numbers, notices, and nothing but BadMessage for anything else."""

import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.binance import frames as binance
from kimp.adapters.upbit import frames as upbit
from kimp.adapters.venue.stream import ConnectionBooks
from kimp.adapters.venue.ticks import Depth, Notice, Read, Refused, Tick
from kimp.domain.depth import levels
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote, Side
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import Venue

XRP = Asset("XRP")
LONG = "x" * 900
COINS = (XRP, Asset("SOL"), USDT)
READERS: list[Callable[[], Read]] = [lambda: upbit.reader(COINS, 15), lambda: binance.reader(COINS, 15)]
NOW = 1_790_000_000_000

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=6),
    max_leaves=20,
)


def test_upbit_numbers_are_read_exactly() -> None:
    frame = (
        b'{"ty":"orderbook","cd":"KRW-XRP","tas":10.0,"tbs":9.0,"obu":[{"ap":0.30000000000000004,"bp":0.1,'
        b'"as":5.0,"bs":1e-8}],"tms":1790000000123,"lv":0,"st":"REALTIME"}'
    )
    assert upbit.reader(COINS, 15)(frame, NOW) == Tick(
        Quote(
            Venue.UPBIT, XRP, Decimal("0.1"), Decimal("1e-8"), Decimal("0.30000000000000004"), Decimal("5.0"), NOW
        ),
        1_790_000_000_123,
    )  # fmt: skip


def test_binance_numbers_are_read_exactly() -> None:
    frame = (
        b'{"stream":"xrpusdt@bookTicker","data":{"u":400900217,"s":"XRPUSDT","b":"0.55000000","B":"100.1",'
        b'"a":"0.5501","A":"90"}}'
    )
    tick = binance.reader(COINS, 15)(frame, NOW)
    assert tick == Tick(
        Quote(Venue.BINANCE, XRP, Decimal("0.55"), Decimal("100.1"), Decimal("0.5501"), Decimal(90), NOW), 400_900_217
    )


@pytest.mark.parametrize(
    ("read", "frame", "notice"),
    [
        (upbit.reader(COINS, 15), b'{"status":"UP"}', Notice.NOTHING),
        (binance.reader(COINS, 15), b'{"result":null,"id":1}', Notice.NOTHING),
        (binance.reader(COINS, 15), b'{"e":"serverShutdown","E":1}', Notice.GOING_AWAY),
        (
            binance.reader(COINS, 15),
            b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
            Notice.GOING_AWAY,
        ),
        (binance.reader(COINS, 15), b'{"stream":"!serverShutdown","data":{}}', Notice.GOING_AWAY),
    ],
)
def test_notices_are_told_apart_from_quotes(read: Read, frame: bytes, notice: Notice) -> None:
    assert read(frame, NOW) is notice


@pytest.mark.parametrize(
    ("read", "frame"),
    [
        (upbit.reader(COINS, 15), b"Too Many Requests"),
        (upbit.reader(COINS, 15), b'{"ty":"orderbook","cd":"KRW-XRP","obu":[],"tms":1}'),
        (upbit.reader(COINS, 15), b'{"ty":"orderbook","cd":"KRW-DOGE","obu":[{"ap":1,"bp":1,"as":1,"bs":1}],"tms":1}'),
        (upbit.reader(COINS, 15), b'{"ty":"orderbook","cd":"KRW-XRP","obu":[{"ap":1,"bp":1,"as":1}],"tms":1}'),
        (binance.reader(COINS, 15), b'{"stream":"dogeusdt@bookTicker","data":{"u":1,"s":"DOGEUSDT"}}'),
        (binance.reader(COINS, 15), b'{"stream":"xrpusdt@bookTicker","data":{"u":1,"s":"XRPUSDT","b":"x"}}'),
        (binance.reader(COINS, 15), b"[1,2]"),
        (binance.reader(COINS, 15), b"\xff\xfe"),
    ],
)
def test_other_frames_are_bad_messages(read: Read, frame: bytes) -> None:
    with pytest.raises(BadMessage):
        read(frame, NOW)


@pytest.mark.parametrize("make", READERS)
@given(frame=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_tick_a_notice_or_a_bad_message(make: Callable[[], Read], frame: bytes) -> None:
    with suppress(BadMessage, Refused):
        assert isinstance(make()(frame, NOW), Tick | Depth | Notice)


@pytest.mark.parametrize("make", READERS)
def test_deep_nesting_is_a_bad_message(make: Callable[[], Read]) -> None:
    with pytest.raises(BadMessage):
        make()(b"[" * 100_000, NOW)


def test_a_refusal_of_binance_keeps_its_words() -> None:
    with pytest.raises(Refused, match=r"2: 'Invalid request'"):
        binance.reader(COINS, 15)(b'{"error":{"code":2,"msg":"Invalid request"},"id":null}', NOW)


def test_a_refusal_of_upbit_keeps_its_words() -> None:
    with pytest.raises(Refused, match=r"WRONG_FORMAT.*맞지 않습니다"):
        upbit.reader(COINS, 15)('{"error":{"name":"WRONG_FORMAT","message":"Format 이 맞지 않습니다."}}'.encode(), 1)


def side_of(book: Quote, side: Side) -> list[Any]:
    """Prices and sizes, to be compared with whole numbers too."""
    return list(levels(book, side))


def upbit_book(levels: int) -> bytes:
    units = ",".join(f'{{"ap":{801 + n},"bp":{800 - n},"as":{n + 0.5},"bs":1e-{n + 1}}}' for n in range(levels))
    return f'{{"ty":"orderbook","cd":"KRW-XRP","obu":[{units}],"tms":1}}'.encode()


@pytest.mark.parametrize(("asked", "shown", "read"), [(15, 30, 15), (15, 2, 2), (1, 15, 1)])
def test_no_more_of_upbits_levels_are_read_than_are_wanted(asked: int, shown: int, read: int) -> None:
    tick = upbit.reader(COINS, asked)(upbit_book(shown), NOW)
    assert isinstance(tick, Tick)
    asks, bids = side_of(tick.quote, Side.BUY), side_of(tick.quote, Side.SELL)
    assert asks == [(801 + n, Decimal(n) + Decimal("0.5")) for n in range(read)]
    assert bids == [(800 - n, Decimal(1).scaleb(-n - 1)) for n in range(read)]


def depth(update: int, bids: str, asks: str) -> bytes:
    sides = [json.dumps([text.split(":") for text in side.split()]) for side in (bids, asks)]
    data = f'{{"lastUpdateId":{update},"bids":{sides[0]},"asks":{sides[1]}}}'
    return f'{{"stream":"xrpusdt@depth20@100ms","data":{data}}}'.encode()


def top(update: int, bid: str, ask: str) -> bytes:
    data = f'{{"u":{update},"s":"XRPUSDT","b":"{bid}","B":"7","a":"{ask}","A":"8"}}'
    return f'{{"stream":"xrpusdt@bookTicker","data":{data}}}'.encode()


def merged(*frames: bytes, asked: int = 15) -> Quote:
    """The book after these frames."""
    read, books = binance.reader(COINS, asked), ConnectionBooks()
    quotes = []
    for frame in frames:
        reported = read(frame, NOW)
        assert isinstance(reported, Tick | Depth)
        assert books.event(reported) is None
        quotes.append(books.quote(reported))
    return quotes[-1]


DEPTH = depth(100, "50:1 49:2 48:3", "51:4 52:5 53:6")


def test_a_depth_alone_is_a_book() -> None:
    book = merged(DEPTH)
    assert side_of(book, Side.BUY) == [(51, 4), (52, 5), (53, 6)]
    assert side_of(book, Side.SELL) == [(50, 1), (49, 2), (48, 3)]
    assert side_of(merged(DEPTH, asked=2), Side.BUY) == [(51, 4), (52, 5)]


def test_a_top_that_is_newer_stands_before_the_levels_that_are_worse() -> None:
    book = merged(DEPTH, top(101, "50.5", "52"))
    assert side_of(book, Side.BUY) == [(52, 8), (53, 6)], "what was cheaper is gone"
    assert side_of(book, Side.SELL) == [(Decimal("50.5"), 7), (50, 1), (49, 2), (48, 3)]


def test_a_depth_that_is_older_than_the_top_changes_only_what_is_behind_it() -> None:
    book = merged(top(101, "50.5", "52"), DEPTH)
    assert side_of(book, Side.BUY) == [(52, 8), (53, 6)]
    assert side_of(merged(top(99, "50.5", "52"), DEPTH), Side.BUY) == [(51, 4), (52, 5), (53, 6)]


def test_a_level_that_is_no_number_leaves_the_top_alone() -> None:
    book = merged(depth(100, "50:1", "51:4 x:5"), top(101, "50", "51"))
    assert side_of(book, Side.BUY) == [(51, 8)]


def test_a_refusal_of_upbits_is_told_by_its_name_and_message_and_cut() -> None:
    frame = json.dumps({"error": {"name": LONG, "message": LONG}}).encode()
    with pytest.raises(Refused) as error:
        upbit.reader(COINS, 15)(frame, NOW)
    assert str(error.value) == f"{'x' * 200!r}: {'x' * 200!r}"


def test_what_is_no_book_is_told_shortly() -> None:
    with pytest.raises(BadMessage) as error:
        upbit.reader(COINS, 15)(json.dumps({"ty": LONG, "cd": LONG}).encode(), NOW)
    assert str(error.value).count("x") == 40


def test_what_a_peer_wrote_is_repeated_in_part() -> None:
    assert str(BadMessage("x" * 500)) == "x" * 500
    assert str(BadMessage("x" * 501)) == "x" * 500 + "..."
