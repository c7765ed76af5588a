"""Exact arithmetic of the paper exchange.

Kept apart from the trader's own money module on purpose: this server is the outside truth that the trader is audited
against, so the two must not be able to share a mistake.
"""

from collections.abc import Callable
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import wraps
from typing import ParamSpec, TypeVar

ZERO = Decimal(0)
CONTEXT = Context(prec=38, traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation])
MOST_DIGITS = 50
SATOSHI = Decimal("1e-8")
"""Both venues keep fees and displayed balances to eight decimals."""

P = ParamSpec("P")
R = TypeVar("R")


class BadNumber(ValueError):
    """Text that is not a plain finite decimal number."""


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in this module's decimal context, whatever the calling task has set."""

    @wraps(function)
    def in_context(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(CONTEXT):
            return function(*args, **kwargs)

    return in_context


def number(text: str) -> Decimal:
    """A finite decimal. Raises BadNumber for anything else: NaN and infinities, other scripts' digits, and exponents
    that would fill the memory once they are written out.
    """
    try:
        value = CONTEXT.create_decimal(text if text.isascii() and len(text) <= MOST_DIGITS else "")
    except (InvalidOperation, Overflow):
        raise BadNumber(f"{text[:MOST_DIGITS]!r} is not a number") from None
    if not value.is_finite():
        raise BadNumber(f"{text!r} is not a finite number")
    if abs(value.adjusted()) > MOST_DIGITS:
        raise BadNumber(f"{text!r} is no amount")
    return value


@exact
def floor_to(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` not above `value`."""
    return (value / step).to_integral_value(ROUND_FLOOR) * step


@exact
def ceil_to(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` not below `value`."""
    return (value / step).to_integral_value(ROUND_CEILING) * step


@exact
def ratio(part: Decimal, whole: Decimal, digits: Decimal = SATOSHI) -> Decimal:
    """For display only: rounded to `digits`."""
    return (part / whole).quantize(digits)


def is_multiple(value: Decimal, step: Decimal) -> bool:
    return CONTEXT.remainder(value, step) == ZERO


def plain(value: Decimal) -> str:
    """The shortest text without an exponent: `1E+2` -> `100`, `1.50` -> `1.5`."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("", "-0", "-") else text


def padded(value: Decimal) -> str:
    """Eight decimals at least, as Binance writes its amounts: `1.5` -> `1.50000000`."""
    text = plain(value)
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(8, '0')}"
