"""I6, further: the profit that a row tells is what the cycle's own movements left, valued anew.

I1 compares those movements with the venue's fills and transfers one by one, so a wrong figure has nothing to hide in.
"""

from collections.abc import Iterator
from decimal import Decimal

from chaos.auditor.books import TERMINAL, Books
from chaos.auditor.evidence import Circumstances, Violation, number, optional, violation
from chaos.auditor.names import CASH

RATE_MARGIN = Decimal("0.1")
"""How far the won per USDT of a cycle may be from the usual rate."""
REST_KRW = Decimal(20_000)
"""Dust and fees in a third coin, which are valued at the market of the moment."""
LOSS_MARGIN = Decimal("0.02")
"""Fees, steps and a price that moved after a route was chosen."""


def check_results(books: Books, circumstances: Circumstances) -> Iterator[Violation]:
    held = books.holdings()
    for cycle, row in books.cycles.items():
        if row["status"] not in TERMINAL:
            continue
        told = optional(row["profit_krw"])
        left = held.get(cycle, {})
        if told is None:
            if row["status"] == "COMPLETED":
                yield violation("completed, and nobody knows with what profit", cycle=cycle)
            continue
        expected, margin = _valued(left, circumstances.krw_per_usdt)
        if abs(told - expected) > margin:
            yield violation("a profit other than what was earned", cycle=cycle, told=told, earned=expected)
        yield from _bearable(cycle, row["status"], expected + margin, row["spent"], row["home_asset"], circumstances)


def _valued(left: dict[tuple[str, str], Decimal], krw_per_usdt: Decimal) -> tuple[Decimal, Decimal]:
    """In won, and how far off it may be."""
    krw = sum((amount for (_, asset), amount in left.items() if asset == CASH["upbit"]), Decimal(0))
    usdt = sum((amount for (_, asset), amount in left.items() if asset == CASH["binance"]), Decimal(0))
    return krw + usdt * krw_per_usdt, abs(usdt) * krw_per_usdt * RATE_MARGIN + REST_KRW


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
