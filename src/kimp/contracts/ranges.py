"""What a number of a message may be at all. Beyond these ends it is a slip or a lie, and calculating with it raises."""

from collections.abc import Iterator
from decimal import Decimal

from kimp.domain.market import Instrument, Network, Quote, Turnover
from kimp.domain.money import ZERO

LEAST, MOST = Decimal("1E-18"), Decimal("1E+18")
"""No price, step or amount of any coin is beyond these, and no quotient of two such numbers overflows."""
DEAREST_FEE = Decimal("0.1")
LAST_MS = 9_999_999_999_999
"""Of the year 2286."""
LONGEST_NAME = 20
LONGEST_NUMBER = 60
"""Characters. Whatever is between the ends above has fewer, with all the places that a database or a venue keeps; each
step of a calculation would carry a hundred thousand of them along.
"""
ZERO_PLACES = 40
"""A zero may have an exponent too; once it is written out, a large one fills the memory."""


def usable(number: Decimal) -> bool:
    """Whether it is zero or an amount of either sign that anything can have: it may be calculated with and written."""
    # NaN compares as an error, so it is asked for first.
    if not number.is_finite() or len(str(number)) > LONGEST_NUMBER:
        return False
    return LEAST <= number.copy_abs() <= MOST if number else -ZERO_PLACES <= number.adjusted() <= ZERO_PLACES


def quote_problem(quote: Quote) -> str | None:
    """What can't be true of it, in words, or None."""
    if (name := _bad_name(quote.coin)) is not None:
        return f"a quote on {quote.venue}: {name}"
    for price in (quote.bid, quote.ask):
        if not _within(price, LEAST, MOST):
            return f"{quote.coin} on {quote.venue} has {_short(price)}, which is no price"
    for size in (quote.bid_size, quote.ask_size):
        if not _within(size, ZERO, MOST):
            return f"{quote.coin} on {quote.venue} has {_short(size)}, which is no size"
    if not 0 <= quote.received_ms <= LAST_MS:
        return f"{quote.coin} on {quote.venue} was received at no time"
    return None


def instrument_problem(one: Instrument) -> str | None:
    """What can't be true of a market's rules, or None."""
    return _first(one.coin, f"the market of {one.coin} on {one.venue}", _of_instrument(one))


def network_problem(one: Network) -> str | None:
    """What can't be true of a wallet, or None."""
    steps = (
        ("withdraw_fee", one.withdraw_fee, ZERO),
        ("withdraw_min", one.withdraw_min, ZERO),
        ("withdraw_step", one.withdraw_step, LEAST),
    )
    wrong = (f"{name} {_short(value)}" for name, value, least in steps if not _within(value, least, MOST))
    return _first(one.coin, f"the wallet of {one.coin} on {one.venue}", wrong)


def turnover_problem(one: Turnover) -> str | None:
    """What can't be true of what a market turned over, or None."""
    wrong = () if _within(one.cash, ZERO, MOST) else (_short(one.cash),)
    return _first(one.coin, f"what {one.coin} turns over on {one.venue}", iter(wrong))


def _of_instrument(one: Instrument) -> Iterator[str]:
    if not one.tick_bands:
        yield "no tick"
    for band in one.tick_bands:
        if not (_within(band.from_price, ZERO, MOST) and _within(band.tick, LEAST, MOST)):
            yield f"tick {_short(band.tick)} from {_short(band.from_price)}"
    for name, value, least in (
        ("lot", one.lot, LEAST),
        ("min_quantity", one.min_quantity, ZERO),
        ("min_notional", one.min_notional, ZERO),
        ("max_notional", one.max_notional, LEAST),
    ):
        if not _within(value, least, MOST):
            yield f"{name} {_short(value)}"
    if not _within(one.taker_fee, ZERO, DEAREST_FEE):
        yield f"taker_fee {_short(one.taker_fee)}"


def _first(coin: str, what: str, wrong: Iterator[str]) -> str | None:
    name = _bad_name(coin)
    return name if name is not None else next((f"{what}: {words} can't be" for words in wrong), None)


def _within(number: Decimal, least: Decimal, most: Decimal) -> bool:
    return usable(number) and least <= number <= most


def _bad_name(coin: str) -> str | None:
    if coin.isascii() and coin.isalnum() and len(coin) <= LONGEST_NAME:
        return None
    return f"{coin[:LONGEST_NAME]!r} is no coin's name"


def _short(number: Decimal) -> str:
    text = str(number)
    return text if len(text) <= LONGEST_NAME else f"{text[:LONGEST_NAME]}..."
