"""Reading recorded prices: a row is read right, or refused by file and line, or left out and told."""

from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kimp.domain.venues import PAIR, Venue
from kimp.paper.instruments import KRW, USDT
from kimp.paper.market.candles import NoLength, at_close
from kimp.paper.market.rows import Fields, MarketKey, Parse, RecordedPrice, candle, parser
from kimp.paper.market.source import BadMarketData
from kimp.paper.market.table import Table, TableRow, open_table, quoted

MOST_ROWS = 2_000_000
"""That are kept of one file: about half a gigabyte."""
MOST_NAMES, NAMED = 1_000, 5
"""How many names of what was left out are counted apart, and how many are told."""
OF_VENUES = f"of venues that are not read ({', '.join(PAIR)} are)"
OF_MARKETS = f"of markets that are not read ({KRW}-XRP on upbit, XRP{USDT} on binance are the form)"
OF_COINS = "of coins that are not set"
"""Why a row is left out."""


@dataclass
class Recording:
    """What a file holds of the coins that were asked for, in order of time, and what it holds besides."""

    path: Path
    rows: list[RecordedPrice] = field(default_factory=list)
    odd_openings: int = 0
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(why, whose) -> rows."""

    def leave_out(self, why: str, whose: str) -> None:
        key = (why, quoted(whose))
        self.left_out[key if key in self.left_out or len(self.left_out) < MOST_NAMES else (why, "others")] += 1

    def notes(self) -> list[str]:
        """What was not read as it stands there: one line each."""
        reported = []
        for why in (OF_VENUES, OF_MARKETS, OF_COINS):
            rows = Counter({whose: count for (reason, whose), count in self.left_out.items() if reason == why})
            if rows:
                names = [f"{whose} {count}" for whose, count in rows.most_common(NAMED)]
                more = ", ..." if len(rows) > NAMED else ""
                reported.append(f"{self.path}: rows {why} are left out ({rows.total()}): {', '.join(names)}{more}")
        if self.odd_openings:
            reported.append(
                f"{self.path}: {self.odd_openings} candles open at odd times; all closes are taken for known one whole"
                " length after the opening"
            )
        return reported


def read_recording(path: Path, coins: Container[str]) -> Recording:
    """The rows of these coins on Upbit's won markets and Binance's USDT spot markets.

    Values of all other rows are not looked at, so what is wrong in them does no harm. Raises BadMarketData.
    """
    recording = Recording(path)
    with open_table(path) as table:
        parse = _parser(path, table)
        for row in table.rows():
            recording.rows.extend(_read(recording, row, parse, coins))
            if len(recording.rows) > MOST_ROWS:
                raise BadMarketData(f"{path}:{row.line}: more than {MOST_ROWS} rows of these coins; split the file")
    if parse is candle:
        try:
            closes = at_close(recording.rows)
        except NoLength as error:
            raise BadMarketData(f"{path}: {error}") from None
        recording.rows, recording.odd_openings = closes.rows, closes.odd
    recording.rows.sort(key=lambda row: row.at_ms)
    return recording


def _parser(path: Path, table: Table) -> Parse:
    if parse := parser(frozenset(table.columns)):
        return parse
    columns = ", ".join(quoted(name) for name in table.columns[:20])
    raise BadMarketData(
        f"{path}:1: unknown columns {columns or '(none)'}; a file holds candles"
        " (timestamp_utc,exchange,symbol,open,high,low,close,volume), ticks (timestamp_utc,exchange,symbol,price,qty),"
        " snapshots (snapshot_ms,timestamp_utc,exchange,symbol,price) or daily rates (date,upbit_krw_usdt_close)"
    )


def _read(recording: Recording, row: TableRow, parse: Parse, coins: Container[str]) -> Iterator[RecordedPrice]:
    market = _market(recording, row.fields)
    if market is None:
        return
    if market[1] not in coins:
        recording.leave_out(OF_COINS, market[1])
        return
    try:
        yield parse(row.fields, market)
    except (ValueError, OverflowError) as error:
        raise BadMarketData(f"{recording.path}:{row.line}: {error}; mend or remove the row") from None


def _market(recording: Recording, row: Fields) -> MarketKey | None:
    """Venue and coin, in whatever letters; daily rates name neither and are KRW-USDT's. None: it is left out."""
    exchange, symbol = row.get("exchange", Venue.UPBIT), row.get("symbol", f"{KRW}-{USDT}")
    name = symbol.strip().upper()
    match exchange.strip().lower():
        case Venue.UPBIT if name.startswith(f"{KRW}-"):
            return Venue.UPBIT, name.removeprefix(f"{KRW}-")
        case Venue.BINANCE if name.endswith(USDT) and name.removesuffix(USDT).isalnum():
            return Venue.BINANCE, name.removesuffix(USDT)
        case Venue.UPBIT | Venue.BINANCE as venue:
            recording.leave_out(OF_MARKETS, f"{symbol} on {venue}")
        case _:
            recording.leave_out(OF_VENUES, exchange)
    return None
