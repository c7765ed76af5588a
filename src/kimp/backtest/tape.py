"""Both venues' prices side by side at each instant, streamed so that a year takes no more memory than an hour."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import polars as pl

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.kinds import AMOUNT, BadData, DataKind
from kimp.backtest.options import Options
from kimp.domain.money import USDT, Asset

SECOND_MS = 1_000
"""What became known within a second is looked at when the second is over."""
ROWS = 1_000_000
"""Of instants x coins, at once."""
SMOOTH = 60
"""Candles, or minutes, that a coin's turnover is averaged over."""
SAMPLES = 12
"""Days, at least, that ticks are read off."""
LEAST_COINS = 3
"""Fewer make no median."""
BOOK = ("bid", "bid_size", "ask", "ask_size", "bids_behind", "asks_behind")
WON, DOLLARS = "won", "dollars"


class MarketFrames:
    """The recorded days of some coins.

    Each frame has a row for each instant and coin that both venues (USDT: the one in won) have a fresh price of:
    `at_ms`, `coin`, and of both venues `price`, `ms` (when that was known), `turnover` and the book if it is recorded.
    """

    def __init__(self, catalogue: Catalogue, options: Options) -> None:
        self._catalogue = catalogue
        self._options = options
        self._max_age_ms = options.rules.limits.max_quote_age_ms
        self._venues = {WON: options.pair.won, DOLLARS: options.pair.dollars}
        self.rows = 0
        """Of recorded data, read so far."""

    def days(self) -> list[date]:
        """Those that both venues have, and that were asked for. Raises BadData where there are none."""
        have = [{file.day for file in self._catalogue.files(venue=venue)} for venue in self._venues.values()]
        first, last = self._options.first or date.min, self._options.last or date.max
        days = sorted(day for day in have[0] & have[1] if first <= day <= last)
        if not days:
            both = sorted(have[0] & have[1])
            there = f"both venues have {both[0]} to {both[-1]}" if both else "no day of both venues is there"
            raise BadData(f"{self._catalogue.root}: no day that was asked for; {there}; `kimp data list` tells more")
        return days

    def frames(self, day: date) -> Iterator[pl.DataFrame]:
        """In order of time; within an instant by coin."""
        events = {side: self._events(day, side) for side in self._venues}
        if any(frame.is_empty() for frame in events.values()):
            return
        coins = self._coins(events)
        seen = pl.concat([frame.select("at_ms") for frame in events.values()])
        instants = seen.select(_end_of_second()).unique().sort("at_ms")
        step = max(1, ROWS // max(1, coins.height))
        for start in range(0, instants.height, step):
            frame = self._joined(instants.slice(start, step), coins, events)
            if frame.height:
                yield frame

    def samples(self, days: list[date]) -> dict[Asset, tuple[Decimal, int]]:
        """A price of each coin in dollars, and the most decimals that its prices there have."""
        found: dict[Asset, tuple[Decimal, int]] = {USDT: (Decimal(1), 4)}
        rows = self.rows
        for day in days[:: max(1, len(days) // SAMPLES)]:
            prices = self._events(day, DOLLARS)
            if prices.is_empty():
                continue
            text = pl.col("price").cast(pl.String).str.strip_chars_end("0")
            decimals = text.str.extract(r"\.(\d*)$", 1).str.len_bytes().fill_null(0).cast(pl.Int64).max()
            for coin, price, places in prices.group_by("coin").agg(pl.col("price").last(), decimals.alias("n")).rows():
                known = found.get(coin)
                found[Asset(coin)] = (price, max(places, known[1] if known else 0))
        self.rows = rows
        return found

    def _events(self, day: date, side: str) -> pl.DataFrame:
        """What one venue told on a day."""
        venue = self._venues[side]
        parts = [
            _priced(kind, rows) for kind in DataKind if (rows := self._catalogue.day(kind, venue, day)) is not None
        ]
        if not parts:
            return pl.DataFrame(schema={"at_ms": pl.Int64, "coin": pl.String, "price": AMOUNT, "turnover": pl.Float64})
        events = pl.concat(parts, how="diagonal").sort("at_ms", maintain_order=True)
        self.rows += events.height
        if self._options.coins is not None:
            events = events.filter(pl.col("coin").is_in([*self._options.coins, USDT]))
        return events

    def _coins(self, events: dict[str, pl.DataFrame]) -> pl.DataFrame:
        won, dollars = (frame.select("coin").unique() for frame in events.values())
        both = won.join(dollars, on="coin", how="semi")
        return pl.concat([both.filter(pl.col("coin") != USDT), pl.DataFrame({"coin": [USDT]})]).sort("coin")

    def _joined(self, instants: pl.DataFrame, coins: pl.DataFrame, events: dict[str, pl.DataFrame]) -> pl.DataFrame:
        frame = instants.join(coins, how="cross")
        for side, rows in events.items():
            if "bid" not in rows.columns:
                frame = self._beside(frame, side, rows)
                continue
            book = pl.col("bid").is_not_null()
            frame = self._beside(frame, side, rows.filter(~book).drop(BOOK))
            frame = _with_books(self._beside(frame, "book", rows.filter(book).drop("turnover")), side)
        priced = pl.col("won_price").is_not_null() & (pl.col("dollars_price").is_not_null() | (pl.col("coin") == USDT))
        if self._options.model.stand_in:
            frame = _with_stand_in(frame)
        return frame.filter(priced)

    def _beside(self, frame: pl.DataFrame, side: str, rows: pl.DataFrame) -> pl.DataFrame:
        """Of each instant and coin what was last known, if it is fresh."""
        named = rows.rename({name: f"{side}_{name}" for name in rows.columns if name not in {"at_ms", "coin"}})
        named = named.with_columns(pl.col("at_ms").alias(f"{side}_ms"))
        return frame.join_asof(
            named, on="at_ms", by="coin", strategy="backward", tolerance=self._max_age_ms, check_sortedness=False
        )


def _with_books(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    """A recorded book that is fresh counts before a last price that is fresher: it alone says what an order meets."""
    known = [pl.coalesce(f"book_{name}", f"{side}_{name}").alias(f"{side}_{name}") for name in ("price", "ms")]
    levels = [pl.col(f"book_{name}").alias(f"{side}_{name}") for name in BOOK]
    return frame.with_columns(*known, *levels).drop("book_price", "book_ms", *(f"book_{name}" for name in BOOK))


def _end_of_second() -> pl.Expr:
    return (pl.col("at_ms") + SECOND_MS - 1) // SECOND_MS * SECOND_MS


def _priced(kind: DataKind, rows: pl.DataFrame) -> pl.DataFrame:
    """`price` and the turnover of a minute in the venue's cash, where it can be told; and the book if that is known."""
    price = pl.col("price").cast(pl.Float64) if kind in {DataKind.TRADES, DataKind.PRICES} else None
    match kind:
        case DataKind.CANDLES:
            minute = pl.col("close").cast(pl.Float64) * pl.col("volume").cast(pl.Float64) * 60 / pl.col("length_s")
            smooth = minute.rolling_mean(SMOOTH, min_samples=1).over("coin")
            return rows.select("at_ms", "coin", price="close", turnover=smooth)
        case DataKind.TRADES:
            traded = rows.with_columns(
                moment=pl.from_epoch("at_ms", time_unit="ms"), traded=price * pl.col("quantity").cast(pl.Float64)
            )
            hour = pl.col("traded").rolling_sum_by("moment", window_size=f"{SMOOTH}m").over("coin") / SMOOTH
            return traded.select("at_ms", "coin", "price", turnover=hour)
        case DataKind.PRICES:
            # Of 24 hours, and so still good where a recorder has left it out for a while.
            reported = pl.col("turnover").cast(pl.Float64).forward_fill().over("coin")
            return rows.select("at_ms", "coin", "price", turnover=reported / 1440)
        case DataKind.BOOKS:
            middle = ((pl.col("bid") + pl.col("ask")) / 2).cast(AMOUNT)
            return rows.select(
                "at_ms", "coin", middle.alias("price"), pl.lit(None, pl.Float64).alias("turnover"), *BOOK
            )


def _with_stand_in(frame: pl.DataFrame) -> pl.DataFrame:
    """KRW-USDT where it is not recorded: what most coins agree on. A premium that all of them share is hidden by it."""
    rate = (pl.col("won_price").cast(pl.Float64) / pl.col("dollars_price").cast(pl.Float64)).filter(
        pl.col("coin") != USDT
    )
    medians = frame.group_by("at_ms").agg(rate=rate.median(), coins=rate.count())
    medians = medians.filter(pl.col("coins") >= LEAST_COINS).with_columns(pl.col("rate").round(2).cast(AMOUNT))
    lacking = (pl.col("coin") == USDT) & pl.col("won_price").is_null() & pl.col("rate").is_not_null()
    return (
        frame.join(medians.select("at_ms", "rate"), on="at_ms", how="left", maintain_order="left")
        .with_columns(
            won_price=pl.when(lacking).then("rate").otherwise("won_price"),
            won_ms=pl.when(lacking).then("at_ms").otherwise("won_ms"),
        )
        .drop("rate")
    )
