"""Names of orders: unique, short enough, and readable back."""

import re

from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.sql.installation import LENGTH, LETTERS
from kimp.domain.ids import MAX_CLIENT_ORDER_ID, Leg, Step, client_order_id, cycle_id, transfer_id
from kimp.domain.money import Asset

COINS = st.from_regex(r"[A-Z0-9]{1,12}", fullmatch=True).map(Asset)
INSTALLATIONS = st.text(LETTERS, min_size=LENGTH, max_size=LENGTH)
STEPS = st.tuples(
    COINS,
    st.integers(1, 10**7),
    st.sampled_from(Leg),
    st.sampled_from(Step),
    st.integers(1, 99),
    st.integers(1, 99),
    INSTALLATIONS,
)
ALLOWED = re.compile(r"[A-Za-z0-9-_]{1,36}")
READ_BACK = re.compile(
    r"(?P<coin>[A-Z0-9]+)-(?P<n>\d+)-(?P<leg>[1HR])(?P<step>[BWS])(?P<part>\d+)-(?P<attempt>\d+)-(?P<installation>\w+)"
)

OneStep = tuple[Asset, int, Leg, Step, int, int, str]


def name(step: OneStep) -> str:
    coin, number, leg, kind, part, attempt, installation = step
    return client_order_id(cycle_id(coin, number), leg, kind, part, attempt, installation)


@given(STEPS)
def test_both_venues_take_the_name(step: OneStep) -> None:
    assert ALLOWED.fullmatch(name(step))
    assert len(name(step)) <= MAX_CLIENT_ORDER_ID


@given(STEPS)
def test_the_name_says_what_it_names(step: OneStep) -> None:
    """So that no two steps, of whatever coins, can share one."""
    coin, number, leg, kind, part, attempt, installation = step
    read = READ_BACK.fullmatch(name(step))
    assert read
    assert read.groupdict() == {
        "coin": coin,
        "n": str(number),
        "leg": leg.value,
        "step": kind.value,
        "part": str(part),
        "attempt": str(attempt),
        "installation": installation,
    }


@given(st.lists(STEPS, unique=True, max_size=50))
def test_names_of_different_steps_differ(steps: list[OneStep]) -> None:
    assert len({name(step) for step in steps}) == len(steps)


@given(STEPS, COINS, st.integers(1, 10**7), st.sampled_from(Leg), st.integers(1, 99), INSTALLATIONS)
def test_no_order_is_named_like_a_transfer(
    step: OneStep, coin: Asset, number: int, leg: Leg, attempt: int, installation: str
) -> None:
    sent = transfer_id(cycle_id(coin, number), leg, attempt, installation)
    assert ALLOWED.fullmatch(sent)
    assert sent != name(step)
