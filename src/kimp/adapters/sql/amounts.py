"""Exact decimals in columns: NUMERIC(38, 18) on MySQL, text on SQLite, which has no exact decimal of its own.

Both hold to the same limits, so what one database takes the other takes too.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from sqlalchemy import Numeric, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from kimp.domain.errors import BadAmount

DIGITS = 38
PLACES = 18
STEP = Decimal(1).scaleb(-PLACES)
WIDE = Context(prec=2 * DIGITS)
"""Wide enough that nothing a column can hold, nor a sum of such, is ever rounded by the context."""


def checked_digits(value: Decimal) -> str:
    """`value` without exponent or trailing zeros.

    Raises BadAmount for anything but a finite Decimal of at most 20 digits before and 18 behind the point.
    """
    if not isinstance(value, Decimal) or not value.is_finite():
        raise BadAmount(f"{value!r} is not a finite Decimal; the database keeps exact amounts only")
    if value and value.adjusted() >= DIGITS - PLACES:
        raise BadAmount(f"{value} has more than {DIGITS - PLACES} digits before the point, which the database keeps")
    whole, _, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > PLACES:
        raise BadAmount(f"{value} has more than the {PLACES} decimal places that the database keeps; round it first")
    return (f"{whole}.{fraction}" if fraction else whole) if value else "0"


class AmountType(TypeDecorator[Decimal]):
    """Money or coins: kept to the last digit, or refused with BadAmount."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # Text in a NUMERIC column: the driver would write 1E-8 as it stands, which MySQL reads as a float.
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else Numeric(DIGITS, PLACES))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        del dialect
        return None if value is None else checked_digits(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        del dialect
        if value is None:
            return None
        whole, _, fraction = f"{Decimal(value):f}".partition(".")
        fraction = fraction.rstrip("0")
        return Decimal(f"{whole}.{fraction}" if fraction else whole)


class EstimateType(AmountType):
    """A quotient or a valuation, for people to read: rounded half to even at the last place that is kept."""

    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        if value is None or not value.is_finite():
            return super().process_bind_param(value, dialect)
        if value.adjusted() >= DIGITS:
            raise BadAmount(f"{value} is too large for the database")
        return super().process_bind_param(value.quantize(STEP, ROUND_HALF_EVEN, WIDE), dialect)
