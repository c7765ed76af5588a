"""What a cycle earned counts all that it paid, in whatever coin; else the caps on losses would not see a loss."""

from dataclasses import replace
from decimal import Decimal

import pytest
from fakes.caps import WIDE
from fakes.funded import fund
from fakes.lab import XRP, Lab
from fakes.venue import BNB
from temporalio.client import Client

from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.status import CycleStatus
from kimp.domain.ledger import DEAREST_FEE, Held, holdings
from kimp.domain.money import KRW, USDT
from kimp.domain.venues import Venue

RATE = Decimal("1400.5")
"""The mid of the lab's KRW-USDT."""
XRP_BID = Decimal(3240)


@pytest.fixture
def paying_in_bnb(lab: Lab) -> Lab:
    lab.binance.fee_in_bnb = Decimal("0.01")
    return lab


def worth(held: Held, bnb_krw: Decimal) -> Decimal:
    """In won, at the prices that were seen last."""
    krw = {KRW: Decimal(1), USDT: RATE, XRP: XRP_BID, BNB: bnb_krw}
    return sum((amount * krw[asset] for (_, asset), amount in held.items()), Decimal(0))


async def test_a_fee_in_another_coin_is_booked_and_costs_what_that_coin_does(paying_in_bnb: Lab) -> None:
    lab = paying_in_bnb
    lab.binance.prices[BNB] = (Decimal(590), Decimal(600))
    result = await lab.complete()
    assert (result.status, result.reason) == (CycleStatus.COMPLETED, None)
    held = holdings(lab.records.entries)
    assert held[Venue.BINANCE, BNB] == Decimal("-0.01")
    assert result.profit_krw == worth(held, 600 * RATE)
    assert lab.records.records[-1].profit_krw == result.profit_krw


async def test_a_fee_whose_coin_has_no_price_counts_the_most_that_it_can_be_and_that_is_said(
    paying_in_bnb: Lab,
) -> None:
    lab = paying_in_bnb
    cycle = await lab.plan()
    result = await lab.complete(cycle)
    assert result.status is CycleStatus.COMPLETED
    traded = sum(
        (fill.price * fill.quantity for order in lab.binance.orders.values() for fill in order.fills), Decimal(0)
    )
    most = traded * cycle.krw_per_usdt * DEAREST_FEE
    assert result.profit_krw == worth(holdings(lab.records.entries), Decimal(0)) - most
    reported = lab.records.records[-1].reason or ""
    assert reported.startswith("-0.01 BNB on binance has no price")
    assert "there is no open market for BNB" in reported
    assert f"{most:,.0f} KRW are counted" in reported


async def test_a_loss_by_such_a_fee_halts_like_any_other(temporal_client: Client, books: SqlDatabase) -> None:
    lab = fund(Lab(temporal_client, books=books))
    lab.binance.fee_in_bnb = Decimal("0.01")
    lab.binance.prices[BNB] = (Decimal(5_000), Decimal(5_001))
    assert ((await lab.complete()).profit_krw or 0) < 0
    second = await lab.plan(number=2)
    wary = second.policy.model_copy(update={"caps": replace(WIDE, losses_in_a_row=1)})
    result = await lab.complete(second.model_copy(update={"policy": wary}))
    assert result.status is CycleStatus.REJECTED
    assert "lost money" in (result.reason or "")
