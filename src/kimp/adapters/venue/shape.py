"""From a decoded JSON value to a typed one, and from a decimal to the text that goes on the wire. Pure."""

from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from kimp.domain.errors import BadMessage

T = TypeVar("T")

_numbers = msgspec.json.Decoder(float_hook=Decimal)


class Facts(msgspec.Struct):
    """Base of the shapes of REST answers: unknown fields are ignored, every decimal is finite."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not value.is_finite():
                raise ValueError(f"{name} is {value}")


def decode(text: str | bytes) -> Any:
    """JSON with exact numbers: int or Decimal, never float. None for anything that is not JSON."""
    try:
        return _numbers.decode(text)
    except (ValueError, RecursionError):
        return None


def shaped(content: Any, kind: type[T], what: str) -> T:
    """Raises BadMessage, naming `what` and the field, if `content` is not of that shape."""
    try:
        return msgspec.convert(content, kind, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadMessage(f"{what}: {error}") from None


def plain(value: Decimal) -> str:
    """Digits without exponent and without trailing zeros, whatever the decimal context is."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
