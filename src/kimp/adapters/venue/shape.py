"""From a decoded JSON value to a typed one, and from a decimal to the text that goes on the wire. Pure."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

import msgspec

from kimp.contracts.ranges import LAST_MS, LONGEST_NUMBER, usable
from kimp.domain.errors import BadMessage
from kimp.domain.money import ZERO

T = TypeVar("T")

MOST_VALUES = 4_000_000
"""Of one answer: by estimate four times what Binance's exchangeInfo has, with 3,000 markets of some 350 values each.
Two bytes of text may take a hundred in memory, so a bound on the text's length alone is none on memory.
"""
LARGEST_WHOLE = 2**63 - 1
"""Of a number of an order or a time, as both venues and all databases keep them."""
HEX = re.compile(r"[0-9a-f]{8,}")

_numbers = msgspec.json.Decoder(float_hook=Decimal)


class AnswerStruct(msgspec.Struct):
    """Base of the shapes of REST answers: unknown fields are ignored, and every number is one that can be true."""

    signed: ClassVar = False
    """Whether its decimals may be below zero."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not (usable(value) and (self.signed or value >= ZERO)):
                raise ValueError(f"{name} is {str(value)[:LONGEST_NUMBER]}")
            if isinstance(value, int) and not -LARGEST_WHOLE <= value <= LARGEST_WHOLE:
                raise ValueError(f"{name} has {value.bit_length()} bits")


def decode(text: str | bytes) -> Any:
    """JSON with exact numbers: int or Decimal, never float. None for what is not JSON, or has too much of it."""
    try:
        data = text.encode() if isinstance(text, str) else text
        if sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:
            return None
        return _numbers.decode(data)
    except (ValueError, RecursionError, ArithmeticError):
        return None


def shaped(content: Any, kind: type[T], what: str) -> T:
    """Raises BadMessage, naming `what` and the field, if `content` is not of that shape."""
    try:
        return msgspec.convert(content, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadMessage(f"{what}: {error}") from None


def true(read: T, problem_of: Callable[[T], str | None]) -> T:
    """Raises BadMessage for what can't be true, in words."""
    if (problem := problem_of(read)) is not None:
        raise BadMessage(problem)
    return read


def check_time(ms: int, what: str) -> int:
    """Raises BadMessage for epoch milliseconds before 1970 or of the far future."""
    if not 0 <= ms <= LAST_MS:
        raise BadMessage(f"{what}: it is of no time that can be right")
    return ms


def same_txid(listed: str | None, txid: str) -> bool:
    """A chain writes a transaction's id as a hexadecimal number: the same in letters of either case, with 0x or not.

    Other chains' ids are texts in which the case counts.
    """
    if listed is None or listed == txid:
        return listed == txid
    one, other = (text.lower().removeprefix("0x") for text in (listed, txid))
    return one == other and HEX.fullmatch(one) is not None


def plain(value: Decimal) -> str:
    """Digits without exponent and without trailing zeros, whatever the decimal context is."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
