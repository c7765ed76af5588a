"""A market that the account may not trade on is asked once: what is undone goes elsewhere, until a person decides."""

from decimal import Decimal

from fakes.lab import TRX, XRP, Lab, traded

from kimp.contracts.cycle import CycleRecord
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from kimp.domain.ledger import holdings
from kimp.domain.market import Side
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.reasons import ReasonKind
from kimp.domain.venues import Venue
from workflows.arbitrage_cycle import ArbitrageCycle

ANN = OperatorRequest(by="ann", note="the account may trade it now")
BUYS_TRX, SELLS_TRX = (Side.BUY, TRX), (Side.SELL, TRX)


def parked(record: CycleRecord) -> bool:
    return record.status is CycleStatus.DEAD_LETTER


def at_home(lab: Lab) -> bool:
    """All is cash of Binance, but for what is too little to trade."""
    held = holdings(lab.records.entries)
    little = {KRW: Decimal(10_000), XRP: Decimal(1), TRX: Decimal(1)}
    return all(
        amount < little[asset] for (account, asset), amount in held.items() if (account, asset) != (Venue.BINANCE, USDT)
    )


def is_refused(lab: Lab, coin: Asset) -> bool:
    """By the last record, from which others learn which coin to leave alone for a while."""
    last = lab.records.records[-1]
    return (last.reason_kind, last.refused_coin) == (ReasonKind.MARKET_REFUSED, coin)


async def test_coins_come_back_from_a_market_that_refuses_them_whatever_it_would_pay(lab: Lab) -> None:
    lab.upbit.not_permitted[XRP] = 0
    result = await lab.complete()
    assert result.status is CycleStatus.COMPENSATED
    assert "not permitted" in (result.reason or "")
    assert is_refused(lab, XRP)
    assert lab.upbit.not_permitted[XRP] == 1
    assert traded(lab.binance) == [(Side.BUY, XRP), (Side.SELL, XRP)]
    assert len(lab.upbit.withdrawals) == 1
    assert at_home(lab)


async def test_what_home_refuses_goes_back_abroad_and_another_coin_brings_the_cash_home(lab: Lab) -> None:
    lab.upbit.prices[TRX] = (Decimal(418), Decimal("418.1"))
    lab.binance.not_permitted[TRX] = 0
    result = await lab.complete()
    assert result.status is CycleStatus.COMPENSATED
    assert is_refused(lab, TRX), "leg one's coin was sold as it should be"
    assert lab.binance.not_permitted[TRX] == 1
    assert traded(lab.upbit) == [(Side.SELL, XRP), BUYS_TRX, SELLS_TRX, (Side.BUY, USDT)]
    assert at_home(lab)


async def test_a_way_home_that_may_not_be_bought_is_not_chosen_again(lab: Lab) -> None:
    lab.upbit.prices[TRX] = (Decimal(418), Decimal("418.1"))
    lab.upbit.not_permitted[TRX] = 0
    result = await lab.complete()
    assert result.status is CycleStatus.COMPENSATED
    assert is_refused(lab, TRX)
    assert lab.upbit.not_permitted[TRX] == 1
    assert traded(lab.upbit) == [(Side.SELL, XRP), (Side.BUY, USDT)]
    assert at_home(lab)


async def test_what_both_venues_refuse_parks_where_it_is_and_a_retry_forgets_the_refusals(lab: Lab) -> None:
    lab.upbit.not_permitted[XRP] = 0
    lab.binance.once_withdrawn = lambda: lab.binance.not_permitted.update({XRP: 0})
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        reported = await lab.records.until(parked)
        assert "not permitted" in (reported.reason or "")
        assert (lab.upbit.not_permitted, lab.binance.not_permitted) == ({XRP: 1}, {XRP: 1})
        assert len(lab.upbit.withdrawals) == 1, "it does not travel to and fro"
        lab.upbit.not_permitted.clear()
        lab.binance.not_permitted.clear()
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert at_home(lab)
