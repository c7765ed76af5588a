"""What frames of the venues' trade streams say, and what is left out of them."""

from typing import Any

import msgspec
import pytest
from fakes.market import NOW, SOL, XRP, ManualClock, d

from kimp.adapters.binance.trades import BinanceTrades
from kimp.adapters.upbit.trades import UpbitTrades
from kimp.adapters.venue.trades import TradeFeed, VenueTrades
from kimp.config import Settings
from kimp.domain.durations import DAY_MS
from kimp.domain.money import USDT
from kimp.ports.history import MarketTrade

KINDS: list[type[VenueTrades]] = [UpbitTrades, BinanceTrades]


def opened(kind: type[VenueTrades]) -> tuple[VenueTrades, TradeFeed]:
    stream = kind(Settings().venue(kind.venue), ManualClock())
    return stream, stream.setup([XRP, SOL, USDT])


def upbit(**other: Any) -> bytes:
    return msgspec.json.encode({"ty": "trade", "cd": "KRW-XRP", "tp": 800, "tv": 12.5, "ttms": NOW} | other)


def binance(**other: Any) -> bytes:
    data = {"e": "aggTrade", "s": "XRPUSDT", "p": "800", "q": "12.5", "T": NOW}
    return msgspec.json.encode({"stream": "xrpusdt@aggTrade", "data": data | other})


FRAMES = {UpbitTrades: upbit, BinanceTrades: binance}


@pytest.mark.parametrize("kind", KINDS)
def test_a_trade_is_read_to_the_last_digit(kind: type[VenueTrades]) -> None:
    stream, feed = opened(kind)
    assert stream.read([FRAMES[kind]()], feed) == ([(XRP, MarketTrade(NOW, d(800), d("12.5")))], False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("upbits", "binances"),
    [
        ({"tp": 0}, {"p": "0"}),
        ({"tv": -1}, {"q": "-1"}),
        ({"tp": 1e20}, {"p": "1e20"}),
        ({"tp": 1e-13}, {"p": "1e-13"}),
        ({"tp": "NaN"}, {"p": "NaN"}),
        ({"ttms": NOW + 2 * DAY_MS}, {"T": NOW - 2 * DAY_MS}),
        ({"cd": "KRW-DOGE"}, {"s": "DOGEUSDT"}),
    ],
)
def test_what_no_market_tells_is_left_out_and_the_next_one_is_read(
    kind: type[VenueTrades], upbits: dict[str, Any], binances: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    stream, feed = opened(kind)
    bad = FRAMES[kind](**(upbits if kind is UpbitTrades else binances))
    found, over = stream.read([b"no json", bad, FRAMES[kind]()], feed)
    assert (len(found), over) == (1, False)
    assert [record.getMessage().count("is left out") for record in caplog.records] == [1, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_bad_frames_without_end_are_logged_ever_more_rarely(
    kind: type[VenueTrades], caplog: pytest.LogCaptureFixture
) -> None:
    stream, feed = opened(kind)
    stream.read([b"{}"] * 100, feed)
    assert len(caplog.records) == 7


@pytest.mark.parametrize(
    ("kind", "frame", "over"),
    [
        (UpbitTrades, b'{"status":"UP"}', False),
        (UpbitTrades, b'{"error":{"name":"NO_CODES","message":"x"}}', True),
        (BinanceTrades, b'{"result":null,"id":1}', False),
        (BinanceTrades, b'{"error":{"code":2,"msg":"x"},"id":1}', True),
        (BinanceTrades, b'{"stream":"!serverShutdown","data":{"e":"serverShutdown"}}', True),
        (BinanceTrades, b'{"e":"serverShutdown"}', True),
    ],
)
def test_what_ends_a_connection(kind: type[VenueTrades], frame: bytes, over: bool) -> None:  # noqa: FBT001 - a table
    stream, feed = opened(kind)
    assert stream.read([frame], feed) == ([], over)


def test_binance_is_asked_for_the_first_market_by_the_url_and_for_others_by_one_request() -> None:
    settings = Settings().binance.model_copy(update={"ws_url": "wss://x"})
    feed = BinanceTrades(settings, ManualClock()).setup([XRP, USDT, SOL])
    assert feed.url == "wss://x/stream?streams=xrpusdt@aggTrade"
    assert feed.hello is not None
    assert msgspec.json.decode(feed.hello)["params"] == ["solusdt@aggTrade"]
