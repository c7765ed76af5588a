"""What the columns for money take, and what they refuse."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import mysql, sqlite

from kimp.adapters.sql.amounts import STEP, AmountType, EstimateType, checked_digits
from kimp.domain.errors import BadAmount

SQLITE = sqlite.dialect()
HELD = st.decimals(min_value=-(10**20) + 1, max_value=10**20 - 1, places=18, allow_nan=False, allow_infinity=False)


@given(HELD)
def test_what_a_column_holds_comes_back_exactly(value: Decimal) -> None:
    stored = AmountType().process_bind_param(value, SQLITE)
    assert AmountType().process_result_value(stored, SQLITE) == value


@given(HELD)
def test_stored_text_has_no_exponent_and_no_trailing_zeros(value: Decimal) -> None:
    text = checked_digits(value)
    assert "E" not in text
    assert "." not in text or text[-1] not in "0."


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E-8", "0.00000001"), ("1E+3", "1000"), ("1.500", "1.5"), ("-0.0", "0"), ("0E-30", "0"), ("-7", "-7")],
)
def test_plain_text(value: str, text: str) -> None:
    assert checked_digits(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Decimal("1E-19"), "18 decimal places"),
        (Decimal(10) ** 20, "20 digits before the point"),
        (Decimal("1E+999999"), "20 digits before the point"),
        (Decimal("NaN"), "finite"),
        (Decimal("-Infinity"), "finite"),
        (0.1, "finite Decimal"),
    ],
)
def test_what_can_not_be_kept_exactly_is_refused(value: Decimal, why: str) -> None:
    with pytest.raises(BadAmount, match=why):
        AmountType().process_bind_param(value, SQLITE)


def test_an_estimate_is_rounded_half_to_even_at_the_last_place() -> None:
    half = Decimal(1) + STEP / 2
    assert EstimateType().process_bind_param(half, SQLITE) == "1"
    assert EstimateType().process_bind_param(half + STEP, SQLITE) == f"{1 + 2 * STEP:f}"


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("1E+50"), Decimal("1E+25")])
def test_an_estimate_has_limits_too(value: Decimal) -> None:
    with pytest.raises(BadAmount):
        EstimateType().process_bind_param(value, SQLITE)


def test_the_same_column_is_text_here_and_numeric_there() -> None:
    assert AmountType().load_dialect_impl(SQLITE).compile(dialect=SQLITE) == "TEXT"
    there = mysql.dialect()
    assert AmountType().load_dialect_impl(there).compile(dialect=there) == "NUMERIC(38, 18)"
