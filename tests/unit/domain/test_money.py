"""Money is exact, never made from floats, and never mixed."""

from collections.abc import Iterator
from decimal import ROUND_UP, Context, Decimal, DivisionByZero, InvalidOperation, getcontext, localcontext
from threading import Thread

import pytest
from fakes.market import d

from kimp.domain.errors import BadAmount, BadInput, CurrencyMismatch
from kimp.domain.money import CONTEXT, KRW, USDT, Money, decimal, exact, round_down, round_up


@pytest.fixture
def coarse_context() -> Iterator[None]:
    """What a calling thread may have set: three digits, everything rounded up."""
    with localcontext(Context(prec=3, rounding=ROUND_UP)):
        yield


@pytest.mark.parametrize(
    ("text", "value"), [("0.1", "0.1"), ("-3", "-3"), (7, "7"), ("1E-8", "0.00000001"), (" 5 ", "5")]
)
def test_a_decimal_is_what_the_text_says(text: str | int, value: str) -> None:
    assert decimal(text) == d(value)


@pytest.mark.parametrize("text", ["", "abc", "1,5", "NaN", "sNaN", "Infinity", "-inf", "0x10"])
def test_what_is_no_finite_number_is_named(text: str) -> None:
    with pytest.raises(BadAmount, match=r"not a (decimal|finite) number"):
        decimal(text)


def test_a_float_is_refused_even_when_it_looks_right() -> None:
    with pytest.raises(BadAmount, match=r"0\.5 is a float; money is made from text"):
        decimal(0.5)  # type: ignore[arg-type]


def test_a_bad_amount_is_bad_input() -> None:
    """So that the command line shows one line and no traceback."""
    assert issubclass(BadAmount, BadInput)


@pytest.mark.parametrize(
    ("value", "step", "down", "up"),
    [
        ("1.239", "0.01", "1.23", "1.24"),
        ("1.23", "0.01", "1.23", "1.23"),
        ("7", "5", "5", "10"),
        ("0", "0.001", "0", "0"),
        ("0.0009", "0.001", "0", "0.001"),
        ("123456789.123456789", "0.00000001", "123456789.12345678", "123456789.12345679"),
        ("1", "0.3", "0.9", "1.2"),
    ],
)
def test_rounding_goes_the_way_its_name_says(value: str, step: str, down: str, up: str) -> None:
    assert round_down(d(value), d(step)) == d(down)
    assert round_up(d(value), d(step)) == d(up)


def test_rounding_a_debt_down_goes_towards_zero() -> None:
    assert round_down(d("-1.5"), d(1)) == d(-1)
    assert round_up(d("-1.5"), d(1)) == d(-2)


def test_a_step_of_zero_is_an_error_not_an_infinity() -> None:
    with pytest.raises(DivisionByZero):
        round_down(d(1), d(0))


@pytest.mark.usefixtures("coarse_context")
def test_results_do_not_depend_on_the_callers_context() -> None:
    assert round_down(d("123456.789"), d("0.01")) == d("123456.78")
    assert Money(d("123456.789"), KRW) + Money(d("0.001"), KRW) == Money(d("123456.790"), KRW)
    assert Money(d("123456.789"), KRW) * d(2) == Money(d("246913.578"), KRW)
    assert -Money(d("123456.789"), KRW) == Money(d("-123456.789"), KRW)


def test_exact_gives_the_callers_context_back_even_after_an_error() -> None:
    @exact
    def fails() -> None:
        assert getcontext() is CONTEXT
        raise LookupError

    with localcontext(Context(prec=5)) as ambient:
        with pytest.raises(LookupError):
            fails()
        assert getcontext() is ambient


def test_exact_holds_in_a_thread_of_its_own() -> None:
    """Workflow code runs in executor threads, whose context is not the main thread's."""
    results: list[Decimal] = []

    def work() -> None:
        getcontext().prec = 2
        results.append(round_down(d("98765.4321"), d("0.001")))

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert results == [d("98765.432")]


def test_money_adds_and_compares_within_one_asset() -> None:
    assert Money(d("1.10"), USDT) + Money(d("2.20"), USDT) == Money(d("3.3"), USDT)
    assert Money(d(1), USDT) - Money(d(3), USDT) == Money(d(-2), USDT)
    assert Money(d(1), USDT) < Money(d(2), USDT)
    assert not Money(d(2), USDT) < Money(d(2), USDT)


def test_money_of_two_assets_never_meets() -> None:
    won, dollars = Money(d(1400), KRW), Money(d(1), USDT)
    with pytest.raises(CurrencyMismatch, match="1400 KRW and 1 USDT are different assets"):
        _ = won + dollars
    with pytest.raises(CurrencyMismatch):
        _ = won - dollars
    with pytest.raises(CurrencyMismatch):
        _ = dollars < won
    assert Money(d(1), KRW) != Money(d(1), USDT)


def test_money_is_written_out_in_full() -> None:
    assert str(Money(d("1E-7"), USDT)) == "0.0000001 USDT"
    assert str(Money(d("1E+6"), KRW)) == "1000000 KRW"


@pytest.mark.parametrize(("one", "other", "error"), [(d(1), d(0), DivisionByZero), (d(0), d(0), InvalidOperation)])
def test_to_divide_by_nothing_is_an_error_and_no_infinity(one: Decimal, other: Decimal, error: type[Exception]) -> None:
    with localcontext(Context(traps=[])), pytest.raises(error):
        exact(lambda: one / other)()
