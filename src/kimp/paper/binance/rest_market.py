"""Binance's public REST calls. binance-spot-api-docs: rest-api.md."""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from kimp.domain.durations import DAY_MS, MINUTE_MS
from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.amounts import ZERO, padded, plain, ratio
from kimp.paper.binance.errors import BinanceError
from kimp.paper.binance.gateway import ApiGateway, Params
from kimp.paper.binance.rules import rate_limits, symbol
from kimp.paper.book import BookLevel
from kimp.paper.instruments import PaperInstrument
from kimp.paper.tape import Minute, NumberedPrint
from kimp.paper.world import World

DEFAULT_DEPTH = 100
DEFAULT_CANDLES, MAX_CANDLES = 500, 1_000
DEFAULT_TRADES, MAX_TRADES = 500, 1_000
PERCENT_DIGITS = Decimal("0.001")


class MarketCalls:
    def __init__(self, world: World) -> None:
        self._world = world

    def bind(self, gate: ApiGateway) -> None:
        gate.public("/api/v3/ping", lambda _params: {})
        gate.public("/api/v3/time", lambda _params: {"serverTime": self._world.clock.now_ms()})
        gate.public("/api/v3/exchangeInfo", self.info, weight=20)
        gate.public("/api/v3/depth", self.depth, weight=5)
        gate.public("/api/v3/ticker/24hr", self.days, weight=2)
        gate.public("/api/v3/ticker/bookTicker", self.tops, weight=2)
        gate.public("/api/v3/ticker/price", self.prices, weight=2)
        gate.public("/api/v3/klines", self.klines, weight=2)
        gate.public("/api/v3/aggTrades", self.agg_trades, weight=4)
        # No futures are traded here; ccxt asks for their markets all the same.
        for prefix in ("/fapi/v1", "/dapi/v1"):
            gate.public(f"{prefix}/exchangeInfo", lambda _params: self._frame([]))

    def info(self, params: Params) -> dict[str, Any]:
        desk = self._world.desks[Venue.BINANCE]
        return self._frame([symbol(i, halted=desk.halted(i.symbol)) for i in self._chosen(params)])

    def depth(self, params: Params) -> dict[str, Any]:
        book = self._world.book(self._one(params.get("symbol")))
        limit = int(params["limit"]) if params.get("limit", "").isdecimal() else DEFAULT_DEPTH
        return {
            "lastUpdateId": book.sequence,
            "bids": rows(book.levels(Side.SELL, limit)),
            "asks": rows(book.levels(Side.BUY, limit)),
        }

    def days(self, params: Params) -> Any:
        return self._each(params, self._day)

    def tops(self, params: Params) -> Any:
        return self._each(params, self._top)

    def prices(self, params: Params) -> Any:
        return self._each(
            params, lambda i: {"symbol": i.symbol, "price": padded(self._world.tape(i).last)}
        )  # fmt: skip

    def klines(self, params: Params) -> list[list[Any]]:
        """Oldest first, of minutes alone; of those without a trade too."""
        tape = self._world.tape(self._one(params.get("symbol")))
        if params.get("interval") != "1m":
            raise BinanceError(-1120)
        now_ms = self._world.clock.now_ms()
        limit = int(params["limit"]) if params.get("limit", "").isdecimal() else DEFAULT_CANDLES
        last_ms = min(int(params["endTime"]) if params.get("endTime", "").isdecimal() else now_ms, now_ms)
        first_ms = int(params["startTime"]) if params.get("startTime", "").isdecimal() else 0
        reported: list[list[Any]] = []
        for minute in _unbroken(tape.minutes, last_ms):
            if first_ms <= minute.open_ms <= last_ms and len(reported) < min(limit, MAX_CANDLES):
                reported.append(_kline(minute))
        return reported

    def agg_trades(self, params: Params) -> list[dict[str, Any]]:
        """Oldest first; the latest where neither a number nor a time is named."""
        tape = self._world.tape(self._one(params.get("symbol")))
        named = {name: int(text) for name, text in params.items() if text.isdecimal()}
        limit = min(named.get("limit", DEFAULT_TRADES), MAX_TRADES)
        first_ms, last_ms = named.get("startTime", 0), named.get("endTime", self._world.clock.now_ms())
        found = [p for p in tape.prints if p.number >= named.get("fromId", 0) and first_ms <= p.at_ms <= last_ms]
        return [agg_trade(p) for p in (found[:limit] if {"fromId", "startTime"} & named.keys() else found[-limit:])]

    def _frame(self, symbols: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "timezone": "UTC",
            "serverTime": self._world.clock.now_ms(),
            "rateLimits": rate_limits(self._world.config.limits),
            "exchangeFilters": [],
            "symbols": symbols,
        }

    def _each(self, params: Params, render: Callable[[PaperInstrument], dict[str, Any]]) -> Any:
        """One object for `symbol`, a list otherwise."""
        if params.get("symbol"):
            return render(self._one(params["symbol"]))
        return [render(instrument) for instrument in self._chosen(params)]

    def _chosen(self, params: Params) -> list[PaperInstrument]:
        if params.get("symbol"):
            return [self._one(params["symbol"])]
        if not params.get("symbols"):
            return self._world.listed(Venue.BINANCE)
        try:
            names = msgspec.json.decode(params["symbols"], type=list[str])
        except msgspec.MsgspecError:
            raise BinanceError(-1100, "symbols", '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\\]$') from None
        return [self._one(name) for name in names]

    def _one(self, name: str | None) -> PaperInstrument:
        if not name:
            raise BinanceError(-1102, "symbol")
        instrument = self._world.of(Venue.BINANCE, name)
        if instrument is None:
            raise BinanceError(-1121)
        return instrument

    def _top(self, instrument: PaperInstrument) -> dict[str, Any]:
        book = self._world.book(instrument)
        bids, asks = book.levels(Side.SELL, 1), book.levels(Side.BUY, 1)
        return {
            "symbol": instrument.symbol,
            "bidPrice": padded(bids[0].price if bids else ZERO),
            "bidQty": padded(bids[0].quantity if bids else ZERO),
            "askPrice": padded(asks[0].price if asks else ZERO),
            "askQty": padded(asks[0].quantity if asks else ZERO),
        }

    def _day(self, instrument: PaperInstrument) -> dict[str, Any]:
        tape, top, now_ms = self._world.tape(instrument), self._top(instrument), self._world.clock.now_ms()
        change = tape.change
        average = ratio(tape.day_quote_volume, tape.day_base_volume) if tape.day_base_volume else tape.last
        percent = ratio(change * 100, tape.open, PERCENT_DIGITS)
        return top | {
            "priceChange": padded(change),
            "priceChangePercent": plain(percent),
            "weightedAvgPrice": padded(average),
            "prevClosePrice": padded(tape.open),
            "lastPrice": padded(tape.last),
            "lastQty": padded(tape.prints[-1].trade.quantity if tape.prints else ZERO),
            "openPrice": padded(tape.open),
            "highPrice": padded(tape.high),
            "lowPrice": padded(tape.low),
            "volume": padded(tape.day_base_volume),
            "quoteVolume": padded(tape.day_quote_volume),
            "openTime": now_ms - DAY_MS,
            "closeTime": now_ms,
            "firstId": 1 if tape.count else -1,
            "lastId": tape.count or -1,
            "count": tape.count,
        }


def _unbroken(minutes: Iterable[Minute], last_ms: int) -> Iterator[Minute]:
    """With flat ones where nothing was traded."""
    last: Minute | None = None
    for minute in (*minutes, Minute.at(last_ms - last_ms % MINUTE_MS + MINUTE_MS, ZERO)):
        while last is not None and last.open_ms + MINUTE_MS < minute.open_ms:
            last = Minute.at(last.open_ms + MINUTE_MS, last.close)
            yield last
        if minute.count:
            yield minute
            last = minute


def _kline(minute: Minute) -> list[Any]:
    return [
        minute.open_ms,
        *(padded(price) for price in (minute.open, minute.high, minute.low, minute.close, minute.base_volume)),
        minute.open_ms + MINUTE_MS - 1,
        padded(minute.quote_volume),
        minute.count,
        padded(ZERO),
        padded(ZERO),
        "0",
    ]


def agg_trade(printed: NumberedPrint) -> dict[str, Any]:
    """One trade each: none of the same order at the same price is summed up with another."""
    return {
        "a": printed.number,
        "p": padded(printed.trade.price),
        "q": padded(printed.trade.quantity),
        "f": printed.number,
        "l": printed.number,
        "T": printed.at_ms,
        "m": printed.trade.taker is Side.SELL,
        "M": True,
    }


def rows(levels: list[BookLevel]) -> list[list[str]]:
    return [[padded(level.price), padded(level.quantity)] for level in levels]
