"""Frames of both venues' streams, through reading and screening to what the feeder publishes; messages of the bus."""

from collections.abc import Callable
from typing import Any

from fakes.market import XRP, ManualClock, d, free_rules, kimchi_quotes
from fuzz.target import Target

from feeder.screening import QuoteFilter
from initiator.scanner import Scanner
from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.binance.trades import BinanceTrades
from kimp.adapters.redis.rules import decode_rules
from kimp.adapters.upbit.stream import UpbitStream
from kimp.adapters.upbit.trades import UpbitTrades
from kimp.adapters.venue.stream import ConnectionBooks, VenueStream
from kimp.adapters.venue.trades import VenueTrades
from kimp.config import Settings, VenueSettings
from kimp.contracts.ticks import decode_batch, decode_last_value
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import USDT
from kimp.domain.venues import PAIR

COINS = (XRP, USDT)


def _published(open_stream: Callable[[], VenueStream]) -> Callable[[bytes], Any]:
    """An input is a frame, or several, each on a line of its own: their order counts too."""
    stream = open_stream()
    read = stream.setup(COINS).read

    def published(data: bytes) -> Any:
        frames = [*data.splitlines(), data]
        quotes, going_away = stream._read(frames, read, ConnectionBooks())
        screen = QuoteFilter()
        verdicts = [screen.reject(quote) for quote in quotes]
        return [quote for quote, against in zip(quotes, verdicts, strict=True) if against is None], going_away, verdicts

    return published


def _traded(kind: type[VenueTrades], settings: VenueSettings) -> Callable[[bytes], Any]:
    stream = kind(settings, ManualClock())
    feed = stream.setup(COINS)
    return lambda data: stream.read([*data.splitlines(), data], feed)


def _scanned(data: bytes) -> list[Quote]:
    quotes = decode_batch(data)
    scanner = _scanner(free_rules(COINS))
    for each in quotes:
        scanner.feed(each)
    return quotes


def _traded_by(data: bytes) -> VenueRules:
    """What is left of the rules must be fit to decide by, whatever was left out."""
    rules, _refused = decode_rules(data)
    scanner = _scanner([rules, *(other for other in free_rules(COINS) if other.venue is not rules.venue)])
    for each in kimchi_quotes():
        scanner.feed(each)
    return rules


def _scanner(rules: list[VenueRules]) -> Scanner:
    scanner = Scanner(PAIR, [XRP], d("0.001"))
    scanner.apply_rules(rules)
    return scanner


def _upbit() -> VenueStream:
    return UpbitStream(Settings().upbit, ManualClock())


def _binance() -> VenueStream:
    return BinanceStream(Settings().binance, ManualClock())


TARGETS = [
    Target("upbit-frames", _published(_upbit)),
    Target("binance-frames", _published(_binance)),
    Target("upbit-trades", _traded(UpbitTrades, Settings().upbit)),
    Target("binance-trades", _traded(BinanceTrades, Settings().binance)),
    Target("bus-quotes", _scanned, (BadMessage,)),
    Target("bus-last-value", decode_last_value, (BadMessage,)),
    Target("bus-rules", _traded_by, (BadMessage,)),
]
