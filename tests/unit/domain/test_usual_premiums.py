"""What premium is usual for a coin, from looks at quotes."""

from decimal import Decimal

from fakes.market import NOW, TRX, XRP, d, kimchi_quotes
from hypothesis import given
from hypothesis import strategies as st

from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset
from kimp.domain.usual_premiums import DAY_MS, EVERY_MS, KEPT, LEAST, UsualPremiums
from kimp.domain.venues import PAIR, Venue


def quotes(by: str = "1") -> list[Quote]:
    """XRP so many times as dear on Upbit."""
    return [
        q._replace(bid=q.bid * d(by), ask=q.ask * d(by)) if (q.venue, q.coin) == (Venue.UPBIT, XRP) else q
        for q in kimchi_quotes()
    ]


def looked(*by: str) -> UsualPremiums:
    usual = UsualPremiums(PAIR)
    for number, times in enumerate(by):
        assert usual.look(quotes(times), NOW + number * EVERY_MS)
    return usual


def test_it_is_known_after_an_hour_of_looks() -> None:
    assert looked(*["1"] * (LEAST - 1)).known(NOW) == {}
    known = looked(*["1"] * LEAST).known(NOW)
    assert known == {XRP: d("0.010610"), TRX: d("-0.000343")}, "USDT has none against itself"


def test_outliers_move_it_little() -> None:
    """The middle, not the mean: an hour of a crash is not usual."""
    before = looked(*["1"] * 30).known(NOW)[XRP]
    assert looked(*["1"] * 20, *["1.3"] * 10).known(NOW)[XRP] == before


def test_a_look_is_taken_no_oftener_than_once_in_five_minutes() -> None:
    usual = looked("1")
    assert not usual.look(quotes(), NOW + EVERY_MS - 1)
    assert not usual.remember({XRP: d("0.01")}, NOW + EVERY_MS - 1)
    assert usual.look(quotes(), NOW + EVERY_MS)
    assert usual.look(quotes(), NOW - DAY_MS), "a clock that was set back must not keep it from looking"


def test_what_is_older_than_a_day_counts_no_more() -> None:
    usual = looked(*["1"] * LEAST)
    last = NOW + (LEAST - 1) * EVERY_MS
    assert usual.known(NOW + DAY_MS)
    assert usual.known(last + DAY_MS + 1) == {}


def test_without_a_rate_nothing_is_looked_at() -> None:
    usual = UsualPremiums(PAIR)
    for number in range(LEAST):
        assert usual.look([q for q in quotes() if q.coin != USDT], NOW + number * EVERY_MS)
    assert usual.known(NOW) == {}


@given(st.lists(st.sampled_from(["0.9", "1", "1.02", "1.3"]), min_size=LEAST, max_size=2 * KEPT))
def test_it_is_the_middle_of_the_last_day_and_no_more_is_kept(by: list[str]) -> None:
    usual = looked(*by)
    now = NOW + (len(by) - 1) * EVERY_MS
    alone: dict[str, Decimal] = {}
    for times in set(by):
        alone[times] = looked(*[times] * LEAST).known(NOW)[XRP]
    day = sorted(alone[times] for times in by[-KEPT:])
    middle = (day[(len(day) - 1) // 2] + day[len(day) // 2]) / 2
    assert usual.known(now)[XRP] == middle
    assert len(usual._looks[Asset("XRP")]) <= KEPT
