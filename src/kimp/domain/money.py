"""Exact money: decimals made from text, an asset on every amount, rounding that is always named.

The ambient decimal context differs between threads (workflow code runs in executor threads), so a result must
never depend on it: every public function of the domain that multiplies or divides is marked `@exact`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_UP,
    Context,
    Decimal,
    DivisionByZero,
    FloatOperation,
    InvalidOperation,
    Overflow,
    getcontext,
    setcontext,
)
from functools import wraps
from typing import NewType, ParamSpec, TypeVar

from kimp.domain.errors import BadAmount, CurrencyMismatch

Asset = NewType("Asset", str)
"""A currency or coin code as both venues write it: `KRW`, `USDT`, `XRP`."""

KRW = Asset("KRW")
USDT = Asset("USDT")

ZERO = Decimal(0)
ONE = Decimal(1)
CONTEXT = Context(prec=38, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow, FloatOperation])

P = ParamSpec("P")
R = TypeVar("R")


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in kimp's own decimal context, whatever the calling thread has set.

    Nested calls find it set already: a decision makes dozens of them, and must take microseconds.
    """

    @wraps(function)
    def in_context(*args: P.args, **kwargs: P.kwargs) -> R:
        ambient = getcontext()
        if ambient is CONTEXT:
            return function(*args, **kwargs)
        setcontext(CONTEXT)
        try:
            return function(*args, **kwargs)
        finally:
            setcontext(ambient)

    return in_context


def decimal(text: str | int | Decimal) -> Decimal:
    """A finite decimal. Raises BadAmount for text that is no number, NaN, an infinity or a float."""
    if isinstance(text, float):
        raise BadAmount(f"{text!r} is a float; money is made from text")
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        raise BadAmount(f"{text!r} is not a decimal number") from None
    if not value.is_finite():
        raise BadAmount(f"{text!r} is not a finite number")
    return value


@exact
def round_down(value: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` not above `value` (towards zero)."""
    return (value / step).to_integral_value(ROUND_DOWN) * step


@exact
def round_up(value: Decimal, step: Decimal) -> Decimal:
    """The smallest multiple of `step` not below `value` (away from zero)."""
    return (value / step).to_integral_value(ROUND_UP) * step


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one asset. Adding different assets raises CurrencyMismatch."""

    amount: Decimal
    asset: Asset

    def _same(self, other: "Money") -> None:
        if self.asset != other.asset:
            raise CurrencyMismatch(f"{self} and {other} are different assets")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(CONTEXT.add(self.amount, other.amount), self.asset)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(CONTEXT.subtract(self.amount, other.amount), self.asset)

    def __mul__(self, factor: Decimal) -> "Money":
        return Money(CONTEXT.multiply(self.amount, factor), self.asset)

    def __neg__(self) -> "Money":
        return Money(CONTEXT.minus(self.amount), self.asset)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.amount < other.amount

    def __str__(self) -> str:
        return f"{self.amount:f} {self.asset}"
