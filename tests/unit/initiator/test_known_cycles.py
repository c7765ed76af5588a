"""What the initiator knows: the read model's rows, and what it learned since."""

from fakes.caps import RICH
from fakes.market import NOW, TRX, XRP

from initiator.known_cycles import FORGET_MS, TRUST_MS, KnownCycles
from kimp.domain.admission import NEVER_TRADED, CoinState, HaltLevel
from kimp.domain.venues import Direction
from kimp.ports.starter import StartOutcome

OUT = Direction.TO_UPBIT
OPEN_3 = CoinState(3, open=True, closed_ms=None)
CLOSED_3 = CoinState(3, open=False, closed_ms=NOW - 5)


def test_before_the_first_reading_the_kill_switch_is_unknown() -> None:
    assert KnownCycles().risk_state(NOW, frozenset()).halt is None


def test_a_reading_of_the_kill_switch_is_trusted_for_a_while_only() -> None:
    known = KnownCycles()
    known.refresh({}, HaltLevel.RUN, RICH, NOW)
    assert known.risk_state(NOW + TRUST_MS, frozenset()).halt is HaltLevel.RUN
    assert known.risk_state(NOW + TRUST_MS + 1, frozenset()).halt is None


def test_a_coin_that_was_refused_rests_by_the_clock_of_the_database() -> None:
    known = KnownCycles()
    refused = CoinState(3, open=False, closed_ms=NOW, refusals=1, refused_ms=RICH.now_ms)
    known.refresh({TRX: refused, XRP: CLOSED_3}, HaltLevel.RUN, RICH, 5_000)
    assert known.risk_state(5_000 + 29_999, frozenset()).resting == known.resting(5_000 + 29_999) == {TRX}
    assert known.resting(5_000 + 30_000) == set()


def test_a_coin_of_which_nothing_is_known_was_never_traded() -> None:
    known = KnownCycles()
    known.refresh({XRP: OPEN_3}, HaltLevel.RUN, RICH, NOW)
    assert known.state(XRP) == OPEN_3
    assert known.state(TRX) == NEVER_TRADED
    assert known.risk_state(NOW, frozenset()).exposure.open_cycles == 1


def test_what_was_started_counts_at_once() -> None:
    known = KnownCycles()
    known.refresh({XRP: CLOSED_3}, HaltLevel.RUN, RICH, NOW)
    known.learn(XRP, 4, OUT, StartOutcome.STARTED, NOW)
    assert known.state(XRP) == CoinState(4, open=True, closed_ms=None, direction=OUT)
    assert known.risk_state(NOW, frozenset()).exposure.open_cycles == 1


def test_what_another_initiator_started_counts_the_same() -> None:
    known = KnownCycles()
    known.learn(XRP, 4, OUT, StartOutcome.ALREADY_OPEN, NOW)
    assert known.state(XRP) == CoinState(4, open=True, closed_ms=None, direction=OUT)


def test_a_number_that_is_used_up_is_passed_over_and_the_coin_rests() -> None:
    known = KnownCycles()
    known.learn(XRP, 4, OUT, StartOutcome.ALREADY_CLOSED, NOW)
    assert known.state(XRP) == CoinState(4, open=False, closed_ms=NOW, direction=OUT)
    assert known.risk_state(NOW, frozenset()).exposure.open_cycles == 0


def test_an_older_row_does_not_overwrite_what_was_learned() -> None:
    known = KnownCycles()
    known.learn(XRP, 4, OUT, StartOutcome.STARTED, NOW)
    known.refresh({XRP: CLOSED_3}, HaltLevel.RUN, RICH, NOW + 1_000)
    assert known.state(XRP).last_number == 4
    assert known.risk_state(NOW, frozenset()).exposure.open_cycles == 1


def test_a_row_of_the_same_cycle_takes_over() -> None:
    known = KnownCycles()
    known.learn(XRP, 4, OUT, StartOutcome.STARTED, NOW)
    closed = CoinState(4, open=False, closed_ms=NOW + 500)
    known.refresh({XRP: closed}, HaltLevel.RUN, RICH, NOW + 1_000)
    assert known.state(XRP) == closed
    assert known.risk_state(NOW, frozenset()).exposure.open_cycles == 0


def test_a_start_that_no_row_ever_shows_is_forgotten() -> None:
    """Asking Temporal once too often is harmless; being silent about a coin for ever is not."""
    known = KnownCycles()
    known.learn(XRP, 4, OUT, StartOutcome.STARTED, NOW)
    known.refresh({}, HaltLevel.RUN, RICH, NOW + FORGET_MS)
    assert known.risk_state(NOW, frozenset()).exposure.open_cycles == 1
    known.refresh({}, HaltLevel.RUN, RICH, NOW + FORGET_MS + 1)
    assert known.state(XRP) == NEVER_TRADED
    assert known.risk_state(NOW, frozenset()).exposure.open_cycles == 0
