"""The screen in columns against deciding every instant, coin and direction: it hides nothing that pays."""

from decimal import Decimal

import polars as pl
import pytest
from fakes.recorded import MINUTE_MS, START_MS, options
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from kimp.backtest.kinds import AMOUNT
from kimp.backtest.moments import Instants
from kimp.backtest.options import Model, Options
from kimp.backtest.screening import CandidateFilter
from kimp.backtest.venue_rules import rule_book
from kimp.domain.modelled_book import BookShape
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Mode, Opportunity, evaluate
from kimp.domain.venues import PAIR, Direction

COINS = tuple(Asset(name) for name in ("AAA", "BBB", "CCC"))
RATE = 1_400
Pairing = tuple[int, Asset, Direction]


@st.composite
def markets(draw: st.DrawFn) -> pl.DataFrame:
    """Two instants: prices of any size, whose premiums are up to six percent either way, some with coarse ticks."""
    rows: list[tuple[object, ...]] = []
    for instant in range(2):
        at_ms = START_MS + instant * MINUTE_MS
        for coin in COINS:
            dollars = Decimal(draw(st.integers(9_000, 99_999))).scaleb(draw(st.sampled_from([-8, -6, -5, -4, -3, 0])))
            premium = 1 + Decimal(draw(st.integers(-600, 600))) / 10_000
            won = (dollars * RATE * premium).quantize(Decimal("0.01") if dollars > 1 else Decimal("1e-6"))
            turnover = draw(st.sampled_from([None, 1e5, 1e12]))
            rows.append((at_ms, coin, max(won, Decimal("1e-6")), turnover, dollars))
        rows.append((at_ms, USDT, Decimal(draw(st.integers(1_390, 1_410))), 1e12, None))
    schema = pl.Schema(
        {
            "at_ms": pl.Int64(),
            "coin": pl.String(),
            "won_price": AMOUNT,
            "won_turnover": pl.Float64(),
            "dollars_price": AMOUNT,
        }
    )
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(
        won_ms=pl.col("at_ms"),
        dollars_ms=pl.when(pl.col("dollars_price").is_not_null()).then("at_ms"),
        dollars_turnover=pl.lit(None, pl.Float64),
    )


ASKED = st.builds(
    options,
    st.sampled_from(Mode),
    model=st.builds(
        Model,
        shape=st.builds(BookShape, half_spread=st.sampled_from([Decimal(0), Decimal("0.0001"), Decimal("0.0005")])),
    ),
    threshold=st.sampled_from([Decimal(0), Decimal("0.002"), Decimal("0.01")]),
    tick_share=st.sampled_from([None, Decimal("0.25"), Decimal(2)]),
    premium_band=st.sampled_from([Decimal("0.005"), Decimal("0.03"), Decimal("0.5")]),
    least_notional_krw=st.just(Decimal(0)),
)


@settings(max_examples=150, deadline=None)
@given(markets(), ASKED)
def test_hides_no_cycle_that_pays(rows: pl.DataFrame, asked: Options) -> None:
    samples = {coin: (Decimal(1), 8) for coin in (*COINS, USDT)}
    rules = rule_book(PAIR, asked.model.fees, samples)
    screen = CandidateFilter(asked, rules)
    candidates = screen.candidates(screen.bounds(rows)).select("at_ms", "coin", "direction").rows()
    instants = Instants(rows, PAIR, rules, asked.model, ())
    paying = {pair for at_ms in instants.times for pair in _paying(instants, at_ms, asked)}
    assert paying <= {(at_ms, coin, Direction(way)) for at_ms, coin, way in candidates}


def _paying(instants: Instants, at_ms: int, asked: Options) -> set[Pairing]:
    """Every coin, either way, with every way home."""
    view = instants.view(at_ms)
    return {
        (at_ms, coin, way)
        for coin in COINS
        for way in PAIR.directions
        if isinstance(evaluate(view, coin, way, (*COINS, USDT), asked.limits, at_ms), Opportunity)
    }


@pytest.mark.parametrize("mode", Mode)
def test_the_markets_above_do_pay_at_times(mode: Mode) -> None:
    """Else the test would hold whatever the screen hides."""
    asked = options(mode, threshold=Decimal(0), premium_band=Decimal("0.5"), least_notional_krw=Decimal(0))
    rules = rule_book(PAIR, asked.model.fees, {coin: (Decimal(1), 8) for coin in (*COINS, USDT)})

    def pays(rows: pl.DataFrame) -> bool:
        instants = Instants(rows, PAIR, rules, asked.model, ())
        return any(_paying(instants, at_ms, asked) for at_ms in instants.times)

    find(markets(), pays, settings=settings(database=None, phases=[Phase.generate]))
