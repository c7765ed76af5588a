"""Frames of both venues' streams: exact numbers, notices, and nothing but BadMessage for anything else."""

import json
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.binance import frames as binance
from kimp.adapters.upbit import frames as upbit
from kimp.adapters.venue.ticks import Notice, Read, Refused, Tick
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import Venue

XRP = Asset("XRP")
COINS = (XRP, Asset("SOL"), USDT)
READERS: list[Callable[[], Read]] = [lambda: upbit.reader(COINS), lambda: binance.reader(COINS)]
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
    assert upbit.reader(COINS)(frame, NOW) == Tick(
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
    tick = binance.reader(COINS)(frame, NOW)
    assert tick == Tick(
        Quote(Venue.BINANCE, XRP, Decimal("0.55"), Decimal("100.1"), Decimal("0.5501"), Decimal(90), NOW), 400_900_217
    )


@pytest.mark.parametrize(
    ("read", "frame", "notice"),
    [
        (upbit.reader(COINS), b'{"status":"UP"}', Notice.NOTHING),
        (binance.reader(COINS), b'{"result":null,"id":1}', Notice.NOTHING),
        (binance.reader(COINS), b'{"e":"serverShutdown","E":1}', Notice.GOING_AWAY),
        (
            binance.reader(COINS),
            b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}',
            Notice.GOING_AWAY,
        ),
        (binance.reader(COINS), b'{"stream":"!serverShutdown","data":{}}', Notice.GOING_AWAY),
    ],
)
def test_notices_are_told_apart_from_quotes(read: Read, frame: bytes, notice: Notice) -> None:
    assert read(frame, NOW) is notice


@pytest.mark.parametrize(
    ("read", "frame"),
    [
        (upbit.reader(COINS), b"Too Many Requests"),
        (upbit.reader(COINS), b'{"ty":"orderbook","cd":"KRW-XRP","obu":[],"tms":1}'),
        (upbit.reader(COINS), b'{"ty":"orderbook","cd":"KRW-DOGE","obu":[{"ap":1,"bp":1,"as":1,"bs":1}],"tms":1}'),
        (upbit.reader(COINS), b'{"ty":"orderbook","cd":"KRW-XRP","obu":[{"ap":1,"bp":1,"as":1}],"tms":1}'),
        (binance.reader(COINS), b'{"stream":"dogeusdt@bookTicker","data":{"u":1,"s":"DOGEUSDT"}}'),
        (binance.reader(COINS), b'{"stream":"xrpusdt@bookTicker","data":{"u":1,"s":"XRPUSDT","b":"x"}}'),
        (binance.reader(COINS), b"[1,2]"),
        (binance.reader(COINS), b"\xff\xfe"),
    ],
)
def test_other_frames_are_bad_messages(read: Read, frame: bytes) -> None:
    with pytest.raises(BadMessage):
        read(frame, NOW)


@pytest.mark.parametrize("make", READERS)
@given(frame=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_tick_a_notice_or_a_bad_message(make: Callable[[], Read], frame: bytes) -> None:
    with suppress(BadMessage, Refused):
        assert isinstance(make()(frame, NOW), Tick | Notice)


@pytest.mark.parametrize("make", READERS)
def test_deep_nesting_is_a_bad_message(make: Callable[[], Read]) -> None:
    with pytest.raises(BadMessage):
        make()(b"[" * 100_000, NOW)


def test_a_refusal_of_binance_keeps_its_words() -> None:
    with pytest.raises(Refused, match=r"2: 'Invalid request'"):
        binance.reader(COINS)(b'{"error":{"code":2,"msg":"Invalid request"},"id":null}', NOW)


def test_a_refusal_of_upbit_keeps_its_words() -> None:
    with pytest.raises(Refused, match=r"WRONG_FORMAT.*맞지 않습니다"):
        upbit.reader(COINS)('{"error":{"name":"WRONG_FORMAT","message":"Format 이 맞지 않습니다."}}'.encode(), 1)
