"""Binance's own files, one a market and day, each beside a checksum: github.com/binance/binance-public-data.

A day's is there on the next one.
"""

import csv
import hashlib
import io
import zipfile
import zlib
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice

from aiohttp import ClientSession

from kimp.adapters.binance.history import BinanceHistory
from kimp.adapters.binance.parse import symbol
from kimp.adapters.venue.history import HistoryClient
from kimp.adapters.venue.limiter import Limit
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import BadMessage, NotFound
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.history import Candle, MarketTrade

LIMIT = Limit(5, 1.0)
"""None is published."""
ROWS = 50_000
"""Handed on at once."""
FIELDS, DIGITS = 6, 20
"""Of a row, at least; of a time, at most."""
LAST_MS = 10**14
"""Greater times are microseconds, as they are since 2025."""


class BinanceFiles:
    """The port `MarketHistory`. What there is no file of comes from the venue's pages."""

    PUBLIC = "https://data.binance.vision"
    venue = Venue.BINANCE
    trade_days: int | None = None

    def __init__(self, base_url: str, session: ClientSession, pages: BinanceHistory) -> None:
        self._files = HistoryClient(self.venue, base_url, session, LIMIT)
        self._pages = pages

    async def minutes(self, coin: Asset, start_ms: int, end_ms: int) -> Sequence[Candle]:
        name = symbol(coin)
        packed = await self._packed(f"klines/{name}/1m/{name}-1m", start_ms, end_ms)
        if packed is None:
            return await self._pages.minutes(coin, start_ms, end_ms)
        with closing(_rows(packed)) as rows:
            return [Candle(_ms(row[0]), *(_number(text) for text in row[1:6])) for row in rows]

    async def trades(self, coin: Asset, start_ms: int, end_ms: int) -> AsyncGenerator[Sequence[MarketTrade]]:
        name = symbol(coin)
        packed = await self._packed(f"aggTrades/{name}/{name}-aggTrades", start_ms, end_ms)
        if packed is None:
            async for page in self._pages.trades(coin, start_ms, end_ms):
                yield page
            return
        with closing(_rows(packed)) as rows:
            while some := list(islice(rows, ROWS)):
                yield [MarketTrade(_ms(row[5]), _number(row[1]), _number(row[2])) for row in some]

    async def _packed(self, name: str, start_ms: int, end_ms: int) -> bytes | None:
        """Of a whole day; None where there is no file. Raises BadMessage for one that its checksum does not fit."""
        if end_ms - start_ms != DAY_MS:
            return None
        day = datetime.fromtimestamp(start_ms / 1000, UTC)
        path = f"/data/spot/daily/{name}-{day:%Y-%m-%d}.zip"
        try:
            packed = await self._files.file(path)
            reported = (await self._files.file(f"{path}.CHECKSUM")).split()
        except NotFound:
            return None
        found = hashlib.sha256(packed).hexdigest()
        if not reported or reported[0].lower() != found.encode():
            raise BadMessage(f"{self.venue}: {path} does not fit its checksum; run it again, it is fetched anew")
        return packed


def _rows(packed: bytes) -> Generator[list[str]]:
    """Of the one table of an archive, without the header that some have."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive, archive.open(archive.infolist()[0]) as file:
            for row in csv.reader(io.TextIOWrapper(file, "ascii")):
                if row and row[0].isdecimal():
                    yield _whole(row)
    except (
        zipfile.BadZipFile,
        zlib.error,
        IndexError,
        OSError,
        EOFError,
        RuntimeError,
        csv.Error,
        UnicodeError,
    ) as error:
        raise BadMessage(f"a file of Binance's can't be read: {error}") from None


def _whole(row: list[str]) -> list[str]:
    if len(row) < FIELDS:
        raise BadMessage(f"a file of Binance's has a row of {len(row)} fields")
    return row


def _ms(text: str) -> int:
    if not text.isdecimal() or len(text) > DIGITS:
        raise BadMessage(f"a file of Binance's has {text[:40]!r} for a time")
    time = int(text)
    return time if time < LAST_MS else time // 1000


def _number(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError:
        raise BadMessage(f"a file of Binance's has {text[:40]!r} for a number") from None
