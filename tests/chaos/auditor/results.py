"""I6, further: the profit that a row tells is what the cycle's own movements left, valued anew.

I1 compares those movements with the venue's fills and transfers one by one, so a wrong figure has nothing to hide in.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from chaos.auditor.books import TERMINAL, Books
from chaos.auditor.evidence import Circumstances, Violation, number, optional, violation
from chaos.auditor.names import CASH, OrderName
from chaos.auditor.venue_truth import VenueTruth

RATE_MARGIN = Decimal("0.1")
"""How far the won per USDT of a cycle may be from the usual rate."""
REST_MARGIN = Decimal(1)
"""Dust is valued at the market of the moment, or counted as nothing where that can't be read."""
REST_KRW = Decimal(20)
FEES_ELSEWHERE = (Decimal("0.0007"), Decimal("0.0026"))
"""Of a trade's cash: what its fee in a third coin costs, from the usual fee less a quarter to the bound that counts
while the coin has no price."""
LOSS_MARGIN = Decimal("0.02")
"""Fees, steps and a price that moved after a route was chosen."""


def check_results(truth: VenueTruth, books: Books, circumstances: Circumstances) -> Iterator[Violation]:
    held, written_off = books.holdings(), books.written_off()
    for cycle, row in books.cycles.items():
        if row["status"] not in TERMINAL:
            continue
        reported = optional(row["profit_krw"])
        left = held.get(cycle, {})
        if reported is None:
            if row["status"] == "COMPLETED":
                yield violation("completed, and nobody knows with what profit", cycle=cycle)
            continue
        expected, margin = _valued(left, truth.prices_krw)
        least, most = _fees_elsewhere(cycle, truth)
        expected, margin = expected - (least + most) / 2, margin + (most - least) / 2
        if abs(reported - expected) > margin:
            yield violation("a profit other than what was earned", cycle=cycle, reported=reported, earned=expected)
        # What venues lost for good, and a person wrote off, is no loss by undoing.
        gone, gone_margin = _valued(written_off.get(cycle, {}), truth.prices_krw)
        most_krw = expected + margin + gone + gone_margin
        yield from _bearable(cycle, row["status"], most_krw, row["spent"], row["home_asset"], circumstances)


def _valued(left: Mapping[tuple[str, str], Decimal], prices_krw: Mapping[str, Decimal]) -> tuple[Decimal, Decimal]:
    """In won, and how far off it may be; without what there is no price for, which is fees in a third coin."""
    expected, margin = Decimal(0), REST_KRW
    for (_, asset), amount in left.items():
        worth = amount * prices_krw.get(asset, Decimal(0))
        expected += worth
        if asset != CASH["upbit"]:
            margin += abs(worth) * (RATE_MARGIN if asset == CASH["binance"] else REST_MARGIN)
    return expected, margin


def _fees_elsewhere(cycle: str, truth: VenueTruth) -> tuple[Decimal, Decimal]:
    """In won, the least and the most that the venue's fees for the cycle in a third coin can have cost it."""
    own = [fill for fill in truth.fills if (name := OrderName.of(fill.client_id or "")) and name.cycle == cycle]
    traded = sum(
        (
            fill.price * fill.quantity * truth.prices_krw[CASH[fill.venue]]
            for fill in own
            if fill.fee and fill.fee_asset not in {fill.coin, CASH[fill.venue]}
        ),
        Decimal(0),
    )
    least, most = FEES_ELSEWHERE
    return traded * least, traded * most


def _bearable(
    cycle: str, status: str, most_krw: Decimal, spent: object, asset: str | None, circumstances: Circumstances
) -> Iterator[Violation]:
    """An undone cycle lost no more than people had allowed for it."""
    limit = circumstances.compensation_loss_limit
    if status != "COMPENSATED" or limit is None or spent is None:
        return
    stake = number(spent) * (circumstances.krw_per_usdt if asset == CASH["binance"] else Decimal(1))
    if most_krw < stake * (limit - LOSS_MARGIN):
        yield violation(
            "undone at a loss beyond its bound", cycle=cycle, at_most=most_krw, stake_krw=stake, limit=limit
        )
