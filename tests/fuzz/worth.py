"""What a value is worth that a parser made: whether all numbers in it can be calculated with, and what form it has."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from pydantic import BaseModel

from kimp.contracts.ranges import ZERO_PLACES, instrument_problem, network_problem, quote_problem
from kimp.domain.market import Instrument, Network, Quote
from kimp.domain.money import ONE, ZERO
from kimp.ports.exchange import Balance

WHOLE = 2**63
"""No database and no clock has larger whole numbers."""
LONGEST, DEEPEST = 19, -40
"""Powers of ten: sums of the largest amounts, and what is left of a fee that was shared out."""
LAST_MS = 253_402_300_799_999
"""Of the year 9999, the last that can be shown."""
MANY = 8


def unsound(value: Any) -> str | None:
    """The first number that can't be calculated with, or the first quote or rule that can't be true."""
    return next((fault for part in _parts(value) if (fault := _fault(part)) is not None), None)


def unsound_of_venue(value: Any) -> str | None:
    """The same of what a venue is asked for, where a price of zero says that nobody offers one."""
    if isinstance(value, Quote):
        return unsound(value._replace(bid=value.bid or ONE, ask=value.ask or ONE))
    if isinstance(value, Mapping):
        return next((fault for part in value.values() if (fault := unsound_of_venue(part)) is not None), None)
    return unsound(value)


def _fault(part: Any) -> str | None:
    return next((of(part) for kind, of in FAULTS.items() if isinstance(part, kind)), None)


def _number(number: Decimal) -> str | None:
    return None if _usable(number) and number >= ZERO else f"the number {str(number)[:60]}"


def _whole(number: int) -> str | None:
    return None if abs(number) < WHOLE else f"a whole number of {number.bit_length()} bits"


def _balance(balance: Balance) -> str | None:
    """May be below zero: then the venue wants something back."""
    return None if _usable(balance.free) and _usable(balance.locked) else f"the balance {str(balance)[:60]}"


def _usable(number: Decimal) -> bool:
    if not number:  # a product of two of the zeros that messages may hold: a line of text, written out
        return abs(number.adjusted()) <= 2 * ZERO_PLACES
    return number.is_finite() and DEEPEST <= number.adjusted() <= LONGEST


class _Instant(int):
    """Epoch milliseconds."""


def _instant(ms: int) -> str | None:
    return None if 0 <= ms <= LAST_MS else f"the time {ms:.3g}"


FAULTS: Mapping[type, Callable[[Any], str | None]] = {
    Quote: quote_problem,
    Instrument: instrument_problem,
    Network: network_problem,
    Balance: _balance,
    Decimal: _number,
    _Instant: _instant,
    int: _whole,
    float: lambda number: f"the float {number}; money is made from text",
}


def _parts(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, Balance):
        return
    for name, part in _inner(value):
        yield from _parts(_Instant(part) if name.endswith("_ms") and part is not None else part)


def _inner(value: Any) -> list[tuple[str, Any]]:
    """What it consists of, by the names that these parts have."""
    names: list[str] = []
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value)]
    elif isinstance(value, msgspec.Struct):
        names = list(value.__struct_fields__)
    elif isinstance(value, BaseModel):
        names = list(type(value).model_fields)
    elif isinstance(value, Mapping):
        return [("", part) for part in (*value.keys(), *value.values())]
    elif isinstance(value, list | tuple | set | frozenset):
        return [("", part) for part in value]
    return [(name, getattr(value, name)) for name in names]


def shape(value: Any) -> str:
    """The same for values that differ in texts and numbers only: what is in it, how many, and what is missing."""
    if value is None or isinstance(value, Enum | bool):
        return str(value)
    if isinstance(value, Decimal | int):
        return "0" if not value else "-" if value < 0 else "+"
    inner = [part for _, part in _inner(value)]
    more = "" if len(inner) <= MANY else "..."
    return f"{type(value).__name__}({', '.join(dict.fromkeys(shape(part) for part in inner[:MANY]))}{more})"
