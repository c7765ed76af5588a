"""How long a venue wants to be left alone, and that all calls of a process keep to it."""

import pytest

from kimp.adapters.venue import back_off as back_offs
from kimp.adapters.venue.answers import BAN_PAUSE_S, LIMIT_PAUSE_S, HttpAnswer, pause_of
from kimp.adapters.venue.back_off import BELIEVED_S, BackOff, back_off_of
from kimp.domain.errors import LONGEST_PAUSE_S, Unavailable
from kimp.domain.venues import Venue

BLOCKED = "Too many requests. Blocked for 300 seconds."


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (HttpAnswer(429, "", headers={"Retry-After": "7"}), 7),
        (HttpAnswer(429, "", headers={"retry-after": " 7 "}), 7),
        (HttpAnswer(418, "", headers={"Retry-After": "9" * 8_000}), BAN_PAUSE_S),
        (HttpAnswer(418, "", headers={"Retry-After": "999999"}), BAN_PAUSE_S),
        (HttpAnswer(429, "", headers={"Retry-After": "999999"}), LIMIT_PAUSE_S),
        (HttpAnswer(418, "", headers={"Retry-After": str(LONGEST_PAUSE_S)}), LONGEST_PAUSE_S),
        (HttpAnswer(418, "", headers={"Retry-After": "-5"}), BAN_PAUSE_S),
        (HttpAnswer(418, "", headers={"Retry-After": "nan"}), BAN_PAUSE_S),
        (HttpAnswer(418, "", headers={"Retry-After": "\N{ARABIC-INDIC DIGIT FIVE}"}), BAN_PAUSE_S),
        (HttpAnswer(418, "", headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), BAN_PAUSE_S),
        (HttpAnswer(418, "{}", "too_many_requests", BLOCKED), 300),
        (HttpAnswer(418, BLOCKED), 300),
        (HttpAnswer(500, BLOCKED), None),
    ],
)
def test_the_pause_that_an_answer_asks_for(answer: HttpAnswer, seconds: int | None) -> None:
    assert pause_of(answer) == seconds


def test_one_call_is_told_and_all_others_keep_to_it() -> None:
    back_off = BackOff()
    back_off.check(Venue.BINANCE)
    back_off.begin(Venue.BINANCE, 120, "-1003")
    back_off.begin(Venue.BINANCE, 1, "HTTP 429")
    with pytest.raises(Unavailable) as held:
        back_off.check(Venue.BINANCE)
    assert (held.value.retry_after, held.value.code) == (120, "-1003")


def test_the_clients_of_a_process_share_it_by_venue() -> None:
    assert back_off_of("https://one.example") is back_off_of("https://one.example")
    assert back_off_of("https://one.example") is not back_off_of("https://another.example")


def test_a_pause_that_is_over_holds_nothing_up() -> None:
    back_off = BackOff()
    back_off.begin(Venue.UPBIT, 0, "HTTP 429")
    back_off.check(Venue.UPBIT)


def test_another_process_is_not_believed_for_days(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may leave by another address, or somebody wants trading to stand still."""
    now, days = [1_000.0], 3.0 * 24 * 3600
    monkeypatch.setattr(back_offs, "monotonic", lambda: now[0])
    back_off = BackOff()
    back_off.begin_elsewhere(Venue.BINANCE, days)
    with pytest.raises(Unavailable, match="from another process") as held:
        back_off.check(Venue.BINANCE)
    assert held.value.retry_after == BELIEVED_S
    now[0] += BELIEVED_S + 1
    back_off.begin_elsewhere(Venue.BINANCE, days - BELIEVED_S - 1)
    back_off.check(Venue.BINANCE)
    back_off.begin(Venue.BINANCE, 3_000, "-1003")
    with pytest.raises(Unavailable) as error:
        back_off.check(Venue.BINANCE)
    assert (error.value.retry_after, error.value.code) == (3_000, "-1003")


def test_what_is_heard_is_never_told_on() -> None:
    back_off = BackOff()
    back_off.begin_elsewhere(Venue.BINANCE, 120)
    assert back_off.left_s == 0


@pytest.mark.parametrize(("later_s", "left_s"), [(2.0, 1), (2.1, 101)])
def test_what_is_heard_again_is_one_pause_where_its_end_is_told_a_little_differently(
    monkeypatch: pytest.MonkeyPatch, later_s: float, left_s: int
) -> None:
    """Clocks and messages differ by moments; believed again each time, it would never end."""
    now = [1_000.0]
    monkeypatch.setattr(back_offs, "monotonic", lambda: now[0])
    back_off = BackOff()
    back_off.begin_elsewhere(Venue.BINANCE, 100)
    now[0] += 99
    back_off.begin_elsewhere(Venue.BINANCE, 1 + later_s) if left_s == 1 else back_off.begin_elsewhere(
        Venue.BINANCE, 101
    )
    with pytest.raises(Unavailable) as held:
        back_off.check(Venue.BINANCE)
    assert held.value.retry_after == left_s


def test_another_process_is_believed_for_ten_minutes_at_most() -> None:
    """Binance bans for days at worst; this process asks again itself, and is told then."""
    assert BELIEVED_S == 10 * 60
