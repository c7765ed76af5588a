"""Upbit's public REST calls. Amounts are JSON numbers here."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kimp.domain.durations import DAY_MS, MINUTE_MS
from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.amounts import ZERO, exact, ratio
from kimp.paper.book import DEPTH
from kimp.paper.coins import Caution
from kimp.paper.instruments import KRW, PaperInstrument
from kimp.paper.tape import NumberedPrint, Tape
from kimp.paper.upbit.errors import UpbitError, invalid
from kimp.paper.upbit.gateway import ApiGateway, Params
from kimp.paper.upbit.render import SEOUL
from kimp.paper.world import World

MAX_TRADES, MAX_DAYS_AGO = 500, 7
MAX_CANDLES = 200


class MarketCalls:
    def __init__(self, world: World) -> None:
        self._world = world

    def bind(self, gate: ApiGateway) -> None:
        gate.public("market/all", "market", self.markets)
        gate.public("ticker", "ticker", self.tickers)
        gate.public("ticker/all", "ticker", self.all_tickers)
        gate.public("orderbook", "orderbook", self.books)
        gate.public("orderbook/instruments", "orderbook", self.tick_sizes)
        gate.public("trades/ticks", "trade", self.trades)
        gate.public("candles/minutes/1", "candle", self.candles)

    def markets(self, params: Params) -> list[dict[str, Any]]:
        detailed = params.get("is_details") == "true"
        return [
            {"market": i.symbol, "korean_name": i.base, "english_name": i.base}
            | ({"market_event": self._event(i)} if detailed else {})
            for i in self._world.listed(Venue.UPBIT)
        ]

    def _event(self, instrument: PaperInstrument) -> dict[str, Any]:
        coin = self._world.coins[instrument.base]
        return {"warning": coin.warning, "caution": {caution: caution in coin.cautions for caution in Caution}}

    def tickers(self, params: Params) -> list[dict[str, Any]]:
        return [self._ticker(instrument) for instrument in self._named(params)]

    def all_tickers(self, params: Params) -> list[dict[str, Any]]:
        quotes = params.get("quote_currencies", KRW).split(",")
        return [self._ticker(i) for i in self._world.listed(Venue.UPBIT) if i.quote in quotes]

    def books(self, params: Params) -> list[dict[str, Any]]:
        count = int(params["count"]) if params.get("count", "").isdecimal() else DEPTH
        return [self._book(i, min(count or DEPTH, DEPTH)) for i in self._named(params)]

    def tick_sizes(self, params: Params) -> list[dict[str, Any]]:
        return [
            {
                "market": i.symbol,
                "quote_currency": i.quote,
                "tick_size": i.ladder.tick(self._world.book(i).ask),
                "supported_levels": ["0"],
            }
            for i in self._named(params)
        ]

    def trades(self, params: Params) -> list[dict[str, Any]]:
        """Latest first, from the end of a day of the last week on, or from a trade's number."""
        instrument = self._one(params.get("market", ""))
        count = int(params["count"]) if params.get("count", "").isdecimal() else 1
        tape = self._world.tape(instrument)
        before_ms = self._before_ms(params.get("days_ago", ""))
        cursor = int(params["cursor"]) if params.get("cursor", "").isdecimal() else None
        past = [p for p in tape.prints if p.at_ms < before_ms and (cursor is None or _number(p) < cursor)]
        return [
            {
                "market": instrument.symbol,
                "trade_date_utc": _date(p.at_ms, "%Y-%m-%d"),
                "trade_time_utc": _date(p.at_ms, "%H:%M:%S"),
                "timestamp": p.at_ms,
                "trade_price": p.trade.price,
                "trade_volume": p.trade.quantity,
                "prev_closing_price": tape.open,
                "change_price": tape.change,
                "ask_bid": "BID" if p.trade.taker is Side.BUY else "ASK",
                "sequential_id": _number(p),
            }
            for p in past[::-1][: min(count, MAX_TRADES)]
        ]

    def _before_ms(self, days_ago: str) -> int:
        now_ms = self._world.clock.now_ms()
        if not days_ago:
            return now_ms + 1
        if not days_ago.isdecimal() or not 1 <= int(days_ago) <= MAX_DAYS_AGO:
            raise invalid("days_ago")
        return (now_ms // DAY_MS - int(days_ago) + 1) * DAY_MS

    def candles(self, params: Params) -> list[dict[str, Any]]:
        """Latest first; `to` itself is not in it."""
        instrument = self._one(params.get("market", ""))
        count = int(params["count"]) if params.get("count", "").isdecimal() else 1
        to_ms = self._world.clock.now_ms() + 1
        if params.get("to"):
            try:
                to_ms = int(datetime.fromisoformat(params["to"]).timestamp() * 1000)
            except ValueError:
                raise invalid("to") from None
        past = [minute for minute in self._world.tape(instrument).minutes if minute.open_ms < to_ms]
        return [
            {
                "market": instrument.symbol,
                "candle_date_time_utc": _date(minute.open_ms, "%Y-%m-%dT%H:%M:%S"),
                "candle_date_time_kst": _date_kst(minute.open_ms, "%Y-%m-%dT%H:%M:%S"),
                "opening_price": minute.open,
                "high_price": minute.high,
                "low_price": minute.low,
                "trade_price": minute.close,
                "timestamp": minute.open_ms + MINUTE_MS - 1,
                "candle_acc_trade_price": minute.quote_volume,
                "candle_acc_trade_volume": minute.base_volume,
                "unit": 1,
            }
            for minute in past[::-1][: min(count, MAX_CANDLES)]
        ]

    def _named(self, params: Params) -> list[PaperInstrument]:
        if not params.get("markets"):
            raise invalid("markets")
        return [self._one(symbol) for symbol in params["markets"].split(",")]

    def _one(self, symbol: str) -> PaperInstrument:
        instrument = self._world.of(Venue.UPBIT, symbol.strip())
        if instrument is None:
            raise UpbitError("market_not_found", "Code not found", status=404)
        return instrument

    @exact
    def _book(self, instrument: PaperInstrument, count: int) -> dict[str, Any]:
        book = self._world.book(instrument)
        asks, bids = book.levels(Side.BUY, count), book.levels(Side.SELL, count)
        return {
            "market": instrument.symbol,
            "timestamp": book.updated_ms,
            "total_ask_size": sum((level.quantity for level in asks), ZERO),
            "total_bid_size": sum((level.quantity for level in bids), ZERO),
            "orderbook_units": [
                {
                    "ask_price": ask.price,
                    "bid_price": bid.price,
                    "ask_size": ask.quantity,
                    "bid_size": bid.quantity,
                }
                for ask, bid in zip(asks, bids, strict=False)
            ],
            "level": 0,
        }

    def _ticker(self, instrument: PaperInstrument) -> dict[str, Any]:
        tape, now_ms = self._world.tape(instrument), self._world.clock.now_ms()
        at_ms = tape.last_ms or now_ms
        return {
            "market": instrument.symbol,
            "trade_date": _date(at_ms, "%Y%m%d"),
            "trade_time": _date(at_ms, "%H%M%S"),
            "trade_date_kst": _date_kst(at_ms, "%Y%m%d"),
            "trade_time_kst": _date_kst(at_ms, "%H%M%S"),
            "trade_timestamp": at_ms,
            "opening_price": tape.open,
            "high_price": tape.high,
            "low_price": tape.low,
            "trade_price": tape.last,
            "prev_closing_price": tape.open,
            "change": change_word(tape),
            "change_price": abs(tape.change),
            "change_rate": ratio(abs(tape.change), tape.open),
            "signed_change_price": tape.change,
            "signed_change_rate": ratio(tape.change, tape.open),
            "trade_volume": tape.prints[-1].trade.quantity if tape.prints else ZERO,
            "acc_trade_price": tape.quote_volume,
            "acc_trade_price_24h": tape.day_quote_volume,
            "acc_trade_volume": tape.base_volume,
            "acc_trade_volume_24h": tape.day_base_volume,
            "highest_52_week_price": tape.high,
            "highest_52_week_date": _date(now_ms, "%Y-%m-%d"),
            "lowest_52_week_price": tape.low,
            "lowest_52_week_date": _date(now_ms, "%Y-%m-%d"),
            "timestamp": now_ms,
        }


def change_word(tape: Tape) -> str:
    if tape.last == tape.open:
        return "EVEN"
    return "RISE" if tape.last > tape.open else "FALL"


def _date(at_ms: int, form: str) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at_ms)).strftime(form)


def _date_kst(at_ms: int, form: str) -> str:
    return datetime.fromtimestamp(at_ms / 1000, SEOUL).strftime(form)


def _number(printed: NumberedPrint) -> int:
    return printed.at_ms * 10_000 + printed.number % 10_000
