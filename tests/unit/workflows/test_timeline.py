"""The lines of a cycle's timeline in the Web UI: what happened, with amounts and prices."""

from datetime import UTC, datetime

from fakes.intents import order
from fakes.market import TRX, XRP, d

from kimp.contracts.orders import OrderOutcome, OrderReport
from kimp.contracts.status import CycleStatus
from kimp.domain.ledger import holdings
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import Venue
from workflows.timeline import GAP, ROWS_KEPT, Timeline, credited, ended, left, traded

AT = datetime(2026, 11, 30, 14, 0, 7, tzinfo=UTC)


def filled(*fills: Fill) -> OrderReport:
    return OrderReport(client_order_id="TRX-1-1B-1-1", outcome=OrderOutcome.FILLED, fills=fills)


def test_a_trade() -> None:
    report = filled(Fill("1", d("408.1"), d("4898.50"), d("999.5389"), KRW))
    assert traded(Side.BUY, Venue.UPBIT, TRX, report) == "bought 4,898.5 TRX at 408.1 KRW on upbit, fee 1,000 KRW"


def test_a_trade_in_parts_has_their_average_price_and_the_sum_of_each_fee() -> None:
    report = filled(
        Fill("1", d("2.30"), d(100), d("0.23"), USDT),
        Fill("2", d("2.32"), d(300), d("0.0008"), Asset("BNB")),
        Fill("3", d("2.32"), d(100), d("0.23"), USDT),
    )
    line = traded(Side.SELL, Venue.BINANCE, XRP, report)
    assert line == "sold 500 XRP at 2.316 USDT on binance, fee 0.46 USDT and 0.0008 BNB"
    assert traded(Side.SELL, Venue.BINANCE, XRP, filled(Fill("1", d(2), d(1), d(0), USDT))).endswith(", no fee")


def test_a_transfer() -> None:
    assert left(Venue.UPBIT, XRP, d("4897.50"), d(1), "ab") == ("4,897.5 XRP on the way from upbit, fee 1 XRP, txid ab")
    assert credited(Venue.BINANCE, XRP, d("4897.5"), d(0)) == "4,897.5 XRP credited on binance"
    assert credited(Venue.BINANCE, XRP, d(4897), d("0.5")).endswith("; 0.5 XRP are missing and written off")


def test_the_end() -> None:
    assert ended(CycleStatus.COMPLETED, None, d("9277.6")) == "booked: +9,278 KRW"
    assert ended(CycleStatus.COMPENSATED, "aborted", d("-1200.2")) == "undone, booked: -1,200 KRW"
    assert ended(CycleStatus.REJECTED, "the price was gone", None) == "ended rejected: the price was gone"
    assert ended(CycleStatus.DEAD_LETTER, None, None) == "ended dead_letter"


def test_the_table_tells_the_result_so_far_beside_each_line() -> None:
    timeline = Timeline()
    timeline.add("bob: looks odd", AT, timeline.so_far({}, d(1400)))
    bought = order(venue=Venue.UPBIT, coin=TRX).entries([Fill("1", d(400), d(5000), d(1000), KRW)])
    timeline.see(bought, d(1400))
    timeline.add("bought", AT, timeline.so_far(holdings(bought), d(1400)))
    assert timeline.shown(CycleStatus.STARTED, "a wallet", None).splitlines() == [
        "**STARTED**, waiting: a wallet",
        "",
        "| time (UTC) | so far | what |",
        "|---|---|---|",
        f"| 14:00:07{GAP} | {GAP} | bob: looks odd |",
        f"| 14:00:07{GAP} | -1,000 KRW{GAP} | bought |",
    ]


def test_a_coin_that_was_traded_before_keeps_its_price() -> None:
    timeline = Timeline()
    bought = order(venue=Venue.UPBIT, coin=TRX).entries([Fill("1", d(400), d(5000), d(1000), KRW)])
    other = order(venue=Venue.UPBIT, coin=XRP).entries([Fill("2", d(3000), d(10), d(15), KRW)])
    timeline.see(bought, d(1400))
    timeline.see(other, d(1400))
    assert timeline.so_far(holdings([*bought, *other]), d(1400)) == "-1,015 KRW"


def test_a_long_table_is_cut_at_its_beginning_for_the_next_run() -> None:
    timeline, after = Timeline(), Timeline()
    for number in range(ROWS_KEPT + 5):
        timeline.add(f"line {number}", AT, "")
    after.restore(timeline.kept)
    assert len(after.kept) == ROWS_KEPT
    assert "line 4 |" not in after.shown(CycleStatus.STARTED, None, "why")
    assert after.shown(CycleStatus.STARTED, None, "why").startswith("**STARTED**\n\nwhy\n\n| time (UTC)")
