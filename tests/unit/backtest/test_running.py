"""A recorded market replayed: what is started, what comes of it, and that nothing is known before its time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from fakes.recorded import MINUTE_MS, START_MS, Prices, options, record

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.cycles import Outcome
from kimp.backtest.kinds import BadData, DataKind
from kimp.backtest.moments import Instants, Moment
from kimp.backtest.options import Closure, Model, Options
from kimp.backtest.running import Backtest, BacktestResult
from kimp.domain.gates import Gate
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Mode, Opportunity, evaluate, start_cash
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.won import in_won

DEAR: Prices = {"AAA": ("28400", "20.000001"), "BBB": ("28000", "20.000001"), "CCC": ("27990", "20.000001")}
"""AAA is 1.4 % dearer in won."""
CHEAP: Prices = DEAR | {"AAA": ("27600", "20.000001")}
EVEN: Prices = {"AAA": ("28000", "20.000001"), "BBB": ("28000", "20.000001"), "CCC": ("27990", "20.000001")}
Recorded = Callable[..., Catalogue]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    def write(*prices: Prices, **more: str | None) -> Catalogue:
        return record(tmp_path, dict(enumerate(prices)), **more)  # type: ignore[arg-type]

    return write


def run(catalogue: Catalogue, asked: Options) -> BacktestResult:
    return Backtest(catalogue, asked).run()


@pytest.mark.parametrize(
    ("mode", "prices", "way"),
    [
        (Mode.TRANSFER, DEAR, Direction.TO_UPBIT),
        (Mode.TRANSFER, CHEAP, Direction.TO_BINANCE),
        (Mode.PREFUNDED, DEAR, Direction.TO_UPBIT),
    ],
)
def test_where_no_price_moves_what_was_expected_is_booked_to_the_last_digit(
    recorded: Recorded, mode: Mode, prices: Prices, way: Direction
) -> None:
    result = run(recorded(*[prices] * 180), options(mode))
    completed = [cycle for cycle in result.cycles if cycle.outcome is Outcome.COMPLETED]
    assert way in {cycle.direction for cycle in completed}
    assert all(cycle.profit_krw == cycle.expected_krw > 0 for cycle in completed)


def test_the_edge_is_kept_by_selling_at_once_and_lost_by_travelling_first(recorded: Recorded) -> None:
    catalogue = recorded(DEAR, *[EVEN] * 240)
    (moved,), (kept,) = (run(catalogue, options(mode)).cycles for mode in (Mode.TRANSFER, Mode.PREFUNDED))
    assert moved.profit_krw is not None
    assert kept.profit_krw is not None
    assert moved.profit_krw < 0 < kept.profit_krw == kept.expected_krw
    assert moved.expected_krw == kept.expected_krw


def test_the_way_home_is_waited_for_until_it_keeps_the_floor_or_the_deadline(recorded: Recorded) -> None:
    (cycle,) = run(recorded(DEAR, *[EVEN] * 240), options()).cycles
    assert cycle.sold_ms is not None
    assert cycle.ended_ms is not None
    assert cycle.ended_ms - cycle.sold_ms >= 3_600_000
    assert cycle.edge is not None
    assert cycle.edge >= Decimal("-0.01")


def test_what_does_not_end_with_the_data_is_told_as_unfinished(recorded: Recorded) -> None:
    (cycle,) = run(recorded(DEAR, EVEN), options()).cycles
    assert (cycle.outcome, cycle.profit_krw) == (Outcome.UNFINISHED, None)


@pytest.mark.parametrize("mode", Mode)
def test_what_comes_later_changes_nothing_that_was_decided_before(tmp_path: Path, mode: Mode) -> None:
    days = {minute: DEAR if minute % 7 == 0 else EVEN for minute in range(120)}
    whole = run(record(tmp_path / "whole", days), options(mode))
    begun = {minute: prices for minute, prices in days.items() if minute < 60}
    cut = run(record(tmp_path / "cut", begun), options(mode))
    until = START_MS + 60 * MINUTE_MS
    assert cut.cycles
    assert [(c.coin, c.started_ms, c.plan) for c in cut.cycles] == [
        (c.coin, c.started_ms, c.plan) for c in whole.cycles if c.started_ms < until
    ]


def test_the_same_seed_gives_the_same_result_and_another_one_other_travel_times(recorded: Recorded) -> None:
    catalogue, asked = recorded(*[DEAR] * 120), options()
    first, again, other = (run(catalogue, one) for one in (asked, asked, replace(asked, seed=2)))
    assert first.cycles == again.cycles
    assert [cycle.sold_ms for cycle in first.cycles] != [cycle.sold_ms for cycle in other.cycles]


def test_a_coin_whose_stock_is_under_way_starts_nothing(recorded: Recorded) -> None:
    """It takes three minutes at least, where the cycle itself, home with another coin's stock, is over at once."""
    no_dollars = Closure(PAIR.won, USDT, START_MS, START_MS + 60 * MINUTE_MS)
    result = run(recorded(*[DEAR] * 30), replace(options(Mode.PREFUNDED), closures=[no_dollars]))
    starts = [cycle.started_ms for cycle in result.cycles if cycle.coin == "AAA"]
    assert len(starts) > 1
    assert min(later - earlier for earlier, later in pairwise(starts)) >= 3 * MINUTE_MS
    assert result.gates[Gate.COIN_BUSY]


def test_without_a_rate_of_the_same_instant_nothing_starts_unless_a_stand_in_is_asked_for(recorded: Recorded) -> None:
    """BBB and CCC say what a dollar costs."""
    catalogue = recorded(*[DEAR] * 3, rate=None)
    assert not run(catalogue, options()).cycles
    stand_in = Model(depth_share=Decimal(1), stand_in=True)
    assert run(catalogue, options(model=stand_in)).cycles[0].coin == "AAA"


def test_a_rate_of_long_ago_is_none(tmp_path: Path) -> None:
    record(tmp_path, {0: EVEN})
    assert not run(record(tmp_path, {5: DEAR}, rate=None), options()).cycles


def test_a_closed_wallet_starts_nothing_and_holds_up_what_is_under_way(recorded: Recorded) -> None:
    catalogue, hour = recorded(*[DEAR] * 180), 60 * MINUTE_MS
    shut = Closure(Venue.UPBIT, Asset("AAA"), START_MS, START_MS + hour)
    result = run(catalogue, replace(options(), closures=[shut]))
    assert result.gates[Gate.WALLET_CLOSED]
    assert min(cycle.started_ms for cycle in result.cycles if cycle.coin == "AAA") == START_MS + hour
    later = Closure(Venue.UPBIT, Asset("AAA"), START_MS + MINUTE_MS // 2, START_MS + hour)
    first = run(catalogue, replace(options(), closures=[later])).cycles[0]
    assert first.sold_ms is not None
    assert first.sold_ms >= START_MS + hour


def test_an_order_that_comes_when_its_price_is_gone_is_rejected(tmp_path: Path) -> None:
    asked = options(model=Model(depth_share=Decimal(1), latency_ms=MINUTE_MS))
    gone: Prices = DEAR | {"AAA": ("28400", "20.2")}
    (cycle,) = run(record(tmp_path, {0: DEAR, 1: gone}), asked).cycles
    assert (cycle.outcome, cycle.spent) == (Outcome.REJECTED, None)


def test_books_walked_out_make_smaller_cycles(tmp_path: Path) -> None:
    thin = record(tmp_path / "thin", {0: DEAR}, turnover=1440 * 100_000)
    deep = record(tmp_path / "deep", {0: DEAR})
    sizes = [run(catalogue, options()).cycles[0].plan.stake_krw for catalogue in (thin, deep)]
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("more", [0, 1])
def test_a_coin_that_is_hardly_traded_starts_nothing(recorded: Recorded, more: int) -> None:
    """A million a minute on both venues, in won on the one and in dollars on the other."""
    day = 1440 * 10**6
    result = run(recorded(DEAR, turnover=day), options(least_turnover_krw=Decimal(day + more)))
    assert (len(result.cycles), result.gates[Gate.TURNOVER]) == (1 - more, more)


def test_where_no_turnover_is_recorded_enough_is_assumed(recorded: Recorded) -> None:
    assert run(recorded(DEAR, turnover=0), options(least_turnover_krw=Decimal(10**12))).cycles


@pytest.mark.parametrize("mode", Mode)
def test_finds_what_the_bare_decision_finds_at_every_instant(recorded: Recorded, mode: Mode) -> None:
    """Same opportunities, sizes and edges, though the decision is asked of few instants only."""
    minutes = [DEAR if minute % 5 else EVEN | {"CCC": ("27700", "20.000001")} for minute in range(60)]
    catalogue, asked = recorded(*minutes), options(mode)
    bare: set[tuple[int, str, Direction, Decimal, Decimal]] = set()

    class Looking(Backtest):
        def _instants(self, rows: pl.DataFrame) -> Instants:
            instants = super()._instants(rows)
            for at_ms in instants.times:
                bare.update(_bare(Moment(at_ms, instants.view(at_ms)), asked))
            return instants

    every = replace(asked, cash_krw=Decimal(10**10))
    result = Looking(catalogue, every).run()
    found = {
        (at_ms, plan.found.coin, plan.found.direction, plan.found.leg_one.spent.amount, plan.found.net_edge)
        for at_ms, plan in result.opportunities
    }
    assert found
    assert found <= bare
    assert len(bare) <= len(found) + result.gates.total()


def _bare(moment: Moment, asked: Options) -> set[tuple[int, str, Direction, Decimal, Decimal]]:
    coins = tuple(Asset(coin) for coin in (*DEAR, "USDT"))
    decided = [
        (coin, way, evaluate(moment.view, coin, way, coins, asked.limits, moment.now_ms))
        for coin in coins[:-1]
        for way in PAIR.directions
    ]
    return {
        (moment.now_ms, coin, way, found.leg_one.spent.amount, found.net_edge)
        for coin, way, found in decided
        if isinstance(found, Opportunity)
    }


TWO: Prices = {"AAA": ("28400", "20.000001"), "BBB": ("28450", "20.000001")}
"""AAA is 1.4 % dearer in won, BBB 1.6 %."""


def poor(mode: Mode = Mode.TRANSFER) -> Options:
    """Cash for one cycle at each end."""
    return replace(options(mode), cash_krw=Decimal(2_100_000))


def test_where_cash_is_short_the_best_is_started_and_no_other(recorded: Recorded) -> None:
    result = run(recorded(TWO), poor())
    assert [cycle.coin for cycle in result.cycles] == ["BBB"]
    assert [plan.found.coin for _, plan in result.opportunities] == ["AAA", "BBB"]
    assert result.gates[Gate.CAPITAL] == 1


@pytest.mark.parametrize("mode", Mode)
def test_what_came_home_is_there_for_the_next_cycle_and_no_more(recorded: Recorded, mode: Mode) -> None:
    backtest = Backtest(recorded(*[TWO] * 240), poor(mode))
    result = backtest.run()
    booked = [cycle for cycle in result.cycles if cycle.profit_krw is not None]
    account = backtest.account
    assert len(booked) > 1
    assert account is not None
    rate = booked[0].plan.found.krw_per_usdt
    began = sum(in_won(start_cash(venue, Decimal(2_100_000), rate), rate) for venue in PAIR)
    set_aside = sum(in_won(cycle.plan.reserve, rate) for cycle in result.cycles if cycle.profit_krw is None)
    now = sum(in_won(cash, rate) for cash in account.cash.values())
    assert now == began - set_aside + sum(cycle.profit_krw or 0 for cycle in booked)


def test_a_day_has_no_more_than_its_cap_of_cash_and_the_next_one_has_it_again(recorded: Recorded) -> None:
    asked, day = options(), 24 * 60
    caps = replace(asked.rules.caps, day_krw=Decimal(2_500_000))
    asked = replace(asked, rules=replace(asked.rules, caps=caps))
    result = run(recorded(*[DEAR] * (day + 10)), asked)
    starts = [(cycle.started_ms - START_MS) // MINUTE_MS for cycle in result.cycles]
    assert len(starts) == 2
    assert starts[1] - starts[0] == day


def test_a_price_that_is_told_later_is_not_known_before(tmp_path: Path) -> None:
    """AAA is dear on Upbit; its price on Binance, which shows that, is told three seconds later."""
    catalogue = record(tmp_path, {0: {"BBB": EVEN["BBB"]}})
    for venue, at_ms, price in ((PAIR.won, START_MS, "28400"), (PAIR.dollars, START_MS + 3_000, "20.000001")):
        reported = pl.DataFrame([(at_ms, "AAA", price)], schema=["at_ms", "coin", "price"], orient="row")
        catalogue.write(DataKind.PRICES, venue, reported.with_columns(turnover=pl.lit("1000000000000")))
    assert [cycle.started_ms for cycle in run(catalogue, options()).cycles] == [START_MS + 3_000]


def test_days_that_are_not_there_are_told(recorded: Recorded) -> None:
    with pytest.raises(BadData, match="both venues have 2025-09-01 to 2025-09-01"):
        run(recorded(DEAR), replace(options(), first=date(2025, 10, 1)))


def test_trades_are_played_at_their_prices_once_their_second_is_over(tmp_path: Path) -> None:
    """What was traded within the last hour tells how deep the modelled books are: nothing else is known of them."""
    catalogue = Catalogue(tmp_path)
    for venue in PAIR:
        won = venue is PAIR.won
        coins = {coin: both[0 if won else 1] for coin, both in DEAR.items()} | ({"USDT": "1400"} if won else {})
        rows = [
            (START_MS + minute * MINUTE_MS + 400, coin, price, "1000000", 0)
            for minute in range(180)
            for coin, price in coins.items()
        ]
        frame = pl.DataFrame(rows, schema=["at_ms", "coin", "price", "quantity", "nth"], orient="row")
        catalogue.write(DataKind.TRADES, venue, frame)
    result = run(catalogue, options())
    completed = [cycle for cycle in result.cycles if cycle.outcome is Outcome.COMPLETED]
    assert completed[0].started_ms == START_MS + 1_000
    assert all(cycle.profit_krw == cycle.expected_krw > 0 for cycle in completed)
    thin = run(catalogue, options(least_turnover_krw=Decimal(10**15)))
    assert (thin.cycles, set(thin.gates)) == ([], {Gate.TURNOVER})
