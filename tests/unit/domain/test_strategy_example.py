"""The example of docs/strategy.md is what kimp itself would expect of that market, to the won."""

from pathlib import Path

from fakes.market import NOW, XRP, d, instrument, network, quote, rules_of

from kimp.domain.money import USDT
from kimp.domain.opportunity import Limits, Mode, Opportunity, evaluate
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView

DOCUMENT = Path(__file__).parents[3] / "docs/strategy.md"
RULES = [
    rules_of(
        Venue.UPBIT,
        [
            instrument(Venue.UPBIT, XRP, tick="1", lot="0.00000001", min_notional="5000", fee="0.0005"),
            instrument(Venue.UPBIT, USDT, tick="1", lot="0.00000001", min_notional="5000", fee="0.0005"),
        ],
        [network(Venue.UPBIT, XRP, fee="1"), network(Venue.UPBIT, USDT, fee="1")],
    ),
    rules_of(
        Venue.BINANCE,
        [instrument(Venue.BINANCE, XRP, tick="0.0001", lot="0.1", fee="0.001")],
        [network(Venue.BINANCE, XRP, fee="0.2"), network(Venue.BINANCE, USDT, fee="1")],
    ),
]
QUOTES = [
    quote(Venue.UPBIT, USDT, "1475", "1476"),
    quote(Venue.UPBIT, XRP, "3275", "3276"),
    quote(Venue.BINANCE, XRP, "2.1999", "2.2"),
]
LIMITS = Limits(
    threshold=d("0.004"),
    notional_krw=d(2_000_000),
    slippage=d("0.002"),
    premium_band=d("0.03"),
    max_quote_age_ms=1_000,
    mode=Mode.TRANSFER,
)


def test_the_example_is_exact() -> None:
    found = evaluate(MarketView.of(QUOTES, RULES), XRP, Direction.TO_UPBIT, (XRP, USDT), LIMITS, NOW)
    assert isinstance(found, Opportunity), found
    out, home = found.leg_one, found.route
    profit = home.proceeds - out.spent
    reported = (
        f"{out.spent.amount.normalize():,f} USDT",
        f"{out.buy_quantity.normalize():,f} XRP",
        f"{out.arrives.normalize():,f} XRP",
        f"{out.proceeds.amount:,.0f} KRW",
        f"{home.buy_quantity:,.2f} USDT",
        f"{home.proceeds.amount:,.2f} USDT",
        f"{profit.amount:,.2f} USDT",
        f"{profit.amount * found.krw_per_usdt:,.0f} KRW",
        f"{found.net_edge * 100:.2f} %",
        f"{found.premium * 100:.2f} %",
    )
    text = DOCUMENT.read_text().replace("&nbsp;", " ")
    assert [figure for figure in reported if figure not in text] == []
