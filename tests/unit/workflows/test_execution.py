"""Orders one after the other: how often, and after which pauses."""

from types import SimpleNamespace
from typing import Any

import pytest
from fakes.market import XRP, d
from fakes.tracker import TrackerDouble

from kimp.contracts.orders import OrderOutcome, OrderReport
from kimp.domain.ids import Leg
from kimp.domain.market import Side
from kimp.domain.venues import Venue
from workflows import execution
from workflows.execution import Execution, TradeStep
from workflows.steps import (
    StepFailed,
)


class Trade(Execution):
    """Its orders come to what a test says, at a market where there is always something to buy."""

    def __init__(self, tracker: TrackerDouble, *outcomes: OrderOutcome, **report: Any) -> None:
        super().__init__(tracker.tracker, TradeStep(Leg.ONE, Venue.BINANCE, XRP, Side.BUY), d(100))
        self._reports = [OrderReport(client_order_id="XRP-1-1B1-1", outcome=outcome, **report) for outcome in outcomes]

    async def _ask_again(self) -> None: ...

    async def read_market(self) -> Any:
        return SimpleNamespace(instrument=SimpleNamespace(taker_fee=d("0.001")))

    def limit(self, now: Any) -> Any:
        del now
        return d(2)

    def _size(self, now: Any) -> Any:
        del now
        return d(50) if self._reports else None

    async def order(self, *_: Any, **__: Any) -> OrderReport:
        return self._reports.pop(0)


@pytest.fixture
def one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "continue_as_new_if_long", lambda: None)


NOTHING, SOME, BLOCKED = OrderOutcome.UNFILLED, OrderOutcome.FILLED, OrderOutcome.BLOCKED


@pytest.mark.usefixtures("one_page")
async def test_an_order_that_brings_nothing_is_tried_five_times_with_two_seconds_between(
    tracker: TrackerDouble,
) -> None:
    with pytest.raises(StepFailed, match="buy XRP on binance with 100 USDT unfilled: the book is too thin"):
        await Trade(tracker, *[NOTHING] * 6).run()
    assert tracker.slept == [(2, "before buy XRP on binance with 100 USDT is tried again")] * 4


@pytest.mark.usefixtures("one_page")
async def test_an_order_that_brings_something_begins_the_count_anew(tracker: TrackerDouble) -> None:
    trade = Trade(tracker, *[NOTHING] * 4, SOME, *[NOTHING] * 4, SOME)
    trade.coins = d(1)
    assert await trade.run()
    assert len(tracker.slept) == 8
    assert trade.done


@pytest.mark.usefixtures("one_page")
@pytest.mark.parametrize(
    ("asked_s", "slept"), [(None, [30, 60, 120]), (7, [7, 14, 28]), (3_000, [3_000, 3_000, 3_000])]
)
async def test_an_order_that_may_not_go_waits_ever_longer_and_counts_for_nothing(
    tracker: TrackerDouble, asked_s: int | None, slept: list[int]
) -> None:
    trade = Trade(tracker, *[BLOCKED] * 3, SOME, reason="halted", reason_kind="kill_switch", retry_after_s=asked_s)
    await trade.run()
    assert [seconds for seconds, _ in tracker.slept] == slept
    assert tracker.waits[0] == ("halted", "kill_switch", slept[0])
    assert tracker.waits[-1] == (None, None, None)
    assert trade.pause is None
