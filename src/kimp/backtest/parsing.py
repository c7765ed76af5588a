"""Rows of text into rows of numbers, a column at a time; what can't be right says why."""

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl

from kimp.backtest.columns import Columns
from kimp.backtest.kinds import AMOUNT, DataKind
from kimp.backtest.left_out import OF_MARKETS, OF_VENUES
from kimp.backtest.text_files import BETWEEN, Lines
from kimp.domain.money import KRW, USDT
from kimp.domain.venues import PAIR

FIRST_YEAR = 2009
"""No coin is older."""
MOST = 10**15
"""Of a price or a quantity: more than any market has."""
PER_MS = {10: "s", 13: "ms", 16: "us", 19: "ns"}
"""Digits of a Unix time of these decades."""
SHOWN = 40
PLAIN = r"^[+-]?\d{1,24}(\.\d{1,12})?$"
AMOUNTS = {
    DataKind.CANDLES: ("open", "high", "low", "close", "volume"),
    DataKind.TRADES: ("price", "quantity"),
    DataKind.PRICES: ("price",),
    DataKind.BOOKS: (),
}
MAY_BE_ZERO = frozenset({"volume", "quantity", "turnover"})


def table(lines: Lines, columns: Columns, venue: str | None, symbol: str | None) -> pl.DataFrame:
    """`line`, the texts of every field that has a meaning, and how many fields there are."""
    fields = pl.col("text").str.split(BETWEEN)
    frame = pl.DataFrame({"text": lines.texts}).with_row_index("line", offset=lines.first)
    if columns.has_header and lines.first == 1:
        frame = frame.slice(1)
    frame = frame.filter(pl.col("text").str.strip_chars() != "").with_columns(fields=fields)
    texts = [
        pl.col("fields").list.get(place, null_on_oob=True).str.strip_chars().fill_null("").alias(f"{meaning}_text")
        for meaning, place in columns.places.items()
    ]
    frame = frame.select("line", "text", pl.col("fields").list.len().alias("width"), *texts)
    if venue is not None:
        frame = frame.with_columns(venue_text=pl.lit(venue))
    if symbol is not None:
        frame = frame.with_columns(symbol_text=pl.lit(symbol))
    return frame


def parsed(frame: pl.DataFrame, columns: Columns) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that can be used, with `venue`, `coin`, `time_ms` and amounts, and the others with their reasons."""
    amounts = [*AMOUNTS[columns.kind], *(["turnover"] if "turnover" in columns.places else [])]
    frame = frame.with_columns(_time_ms(frame), _venue(), *(_amount(frame, name) for name in amounts))
    frame = frame.with_columns(_coin())
    frame = frame.with_columns(_reason(columns, amounts))
    bad = frame.filter(pl.col("reason").is_not_null()).select("line", "reason", detail=_detail(columns))
    return frame.filter(pl.col("reason").is_null()), bad


def _time_ms(frame: pl.DataFrame) -> pl.Series:
    """Unix times by the number of their digits; ISO times, UTC where they name no zone."""
    text = frame["time_text"]
    lookup = pl.DataFrame({"text": text})
    digits = pl.col("text").str.extract(r"^(\d+)(?:\.\d+)?$", 1)
    number = digits.cast(pl.Int64, strict=False)
    unix = pl.coalesce(
        *(
            pl.when(digits.str.len_bytes() == length).then(_in_ms(number, unit, pl.col("text")))
            for length, unit in PER_MS.items()
        )
    )
    iso = pl.col("text").str.to_uppercase().str.replace(" ", "T", literal=True)
    utc = iso.str.replace(r"(Z|\+00:?00)$", "")
    zoned = iso.str.contains(r"T.*[+-]\d{2}:?\d{2}$")
    parsed_iso = pl.coalesce(
        utc.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="ms").cast(pl.Int64),
        utc.str.to_datetime("%Y-%m-%dT%H:%M", strict=False, time_unit="ms").cast(pl.Int64),
        utc.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("ms")).cast(pl.Int64),
    )
    with_zone = iso.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", strict=False, time_unit="ms", time_zone="UTC")
    when = pl.coalesce(unix, pl.when(zoned).then(with_zone.cast(pl.Int64)).otherwise(parsed_iso))
    return lookup.select(when.alias("time_ms"))["time_ms"]


def _in_ms(number: pl.Expr, unit: str, text: pl.Expr) -> pl.Expr:
    match unit:
        case "s":
            fraction = text.str.extract(r"\.(\d{1,3})", 1).str.pad_end(3, "0").cast(pl.Int64).fill_null(0)
            return number * 1000 + fraction
        case "ms":
            return number
        case "us":
            return number // 1000
        case _:
            return number // 1_000_000


def _venue() -> pl.Expr:
    return pl.col("venue_text").str.to_lowercase().alias("venue")


def _coin() -> pl.Expr:
    """KRW-XRP, KRW_XRP and XRP/KRW on the venue in won; XRPUSDT, XRP-USDT and XRP/USDT on the other."""
    name = pl.col("symbol_text").str.to_uppercase()
    won, dollars = (pl.col("venue") == venue for venue in PAIR)
    in_won = pl.coalesce(
        name.str.extract(rf"^{KRW}[-_/]([A-Z0-9]{{1,12}})$", 1), name.str.extract(rf"^([A-Z0-9]{{1,12}})[-_/]{KRW}$", 1)
    )
    in_dollars = name.str.extract(rf"^([A-Z0-9]{{1,12}}?)[-_/]?{USDT}$", 1)
    return pl.when(won).then(in_won).when(dollars).then(in_dollars).alias("coin")


def _amount(frame: pl.DataFrame, name: str) -> pl.Series:
    text = frame[f"{name}_text"]
    plain = text.str.contains(PLAIN)
    value = text.set(~plain, None).cast(AMOUNT, strict=False)
    if not plain.all():  # 1e-05 and the like, as some tools write small numbers
        others = [None if ok else _exact(one) for ok, one in zip(plain, text, strict=True)]
        value = value.zip_with(plain, pl.Series(others, dtype=AMOUNT))
    return value.alias(name)


def _exact(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
        if not value.is_finite() or not -MOST <= value <= MOST:
            return None
        rounded = value.quantize(Decimal("1e-12"))
    except ArithmeticError:  # no number, or one with an exponent that no context holds
        return None
    return rounded if rounded == value else None


def _reason(columns: Columns, amounts: list[str]) -> pl.Expr:
    """The first thing that is wrong, or null."""
    wrong = [
        (pl.col("width") != columns.width, f"whose fields are not {columns.width}"),
        (~pl.col("venue").is_in([str(venue) for venue in PAIR]), OF_VENUES),
        (pl.col("coin").is_null(), OF_MARKETS),
        (pl.col("time_ms").is_null(), "whose time is neither an ISO nor a Unix time"),
        (~pl.col("time_ms").is_between(*_years()), "of a year that can't be right"),
    ]
    for name in amounts:
        if name == "turnover":
            continue  # told by one venue only
        wrong.append((pl.col(name).is_null(), f"whose {name} is no number of at most 12 decimals"))
        if name in MAY_BE_ZERO:
            wrong.append((pl.col(name) < 0, f"whose {name} is negative"))
        else:
            wrong.append((pl.col(name) <= 0, f"whose {name} is not above zero"))
        wrong.append((pl.col(name) > MOST, f"whose {name} is more than any market has"))
    if columns.kind is DataKind.CANDLES:
        lowest, highest = pl.min_horizontal("open", "close"), pl.max_horizontal("open", "close")
        outside = (pl.col("low") > lowest) | (pl.col("high") < highest)
        wrong.append((outside, "whose open or close is not between low and high"))
    return pl.coalesce(*(pl.when(condition).then(pl.lit(words)) for condition, words in wrong)).alias("reason")


def _years() -> tuple[int, int]:
    """The time that rows can be of, in epoch milliseconds."""
    first, last = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC), datetime(datetime.now(UTC).year + 2, 1, 1, tzinfo=UTC)
    return int(first.timestamp() * 1000), int(last.timestamp() * 1000)


def _detail(columns: Columns) -> pl.Expr:
    """Short, and whose row it is where nothing else is wrong with it."""
    reason = pl.col("reason")
    text = pl.col("text").str.replace_all(BETWEEN, ",", literal=True).str.slice(0, SHOWN)
    symbol = pl.col("symbol_text") if "symbol" in columns.places else pl.lit("")
    return (
        pl.when(reason == OF_VENUES)
        .then(pl.col("venue_text").str.slice(0, SHOWN))
        .when(reason == OF_MARKETS)
        .then(symbol.str.slice(0, SHOWN))
        .otherwise(text)
    )
