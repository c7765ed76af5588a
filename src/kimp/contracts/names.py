"""How venues are written and read where msgspec does it, which knows no type of the domain's own."""

from typing import Any

from kimp.domain.venues import Venue


def encode_name(value: Any) -> str:
    if isinstance(value, Venue):
        return str(value)
    raise NotImplementedError(f"{type(value).__name__} has no form in JSON")


def decode_name(kind: type, name: Any) -> Any:
    """Raises ValueError or TypeError, which msgspec reports with the place."""
    return kind(name)
