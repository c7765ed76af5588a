"""From a decoded JSON value to a typed one, and from a decimal to the text that goes on the wire. Pure."""

import re
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from kimp.domain.errors import BadMessage

T = TypeVar("T")

MOST_VALUES = 4_000_000
"""Of one answer: by estimate four times what Binance's exchangeInfo has, with 3,000 markets of some 350 values each.
Two bytes of text may take a hundred in memory, so a bound on the text's length alone is none on memory.
"""
HEX = re.compile(r"[0-9a-f]{8,}")

_numbers = msgspec.json.Decoder(float_hook=Decimal)


class Facts(msgspec.Struct):
    """Base of the shapes of REST answers: unknown fields are ignored, every decimal is finite."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not value.is_finite():
                raise ValueError(f"{name} is {value}")


def decode(text: str | bytes) -> Any:
    """JSON with exact numbers: int or Decimal, never float. None for what is not JSON, or has too much of it."""
    try:
        data = text.encode() if isinstance(text, str) else text
        if sum(map(data.count, (b",", b"[", b"{"))) > MOST_VALUES:
            return None
        return _numbers.decode(data)
    except (ValueError, RecursionError):
        return None


def shaped(content: Any, kind: type[T], what: str) -> T:
    """Raises BadMessage, naming `what` and the field, if `content` is not of that shape."""
    try:
        return msgspec.convert(content, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadMessage(f"{what}: {error}") from None


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
