"""Amounts as people read them: no digit that says nothing, separators between thousands.

To format a decimal rounds it by the context of the thread, which ccxt changes when it is imported: hence `@exact`.
"""

import re
from decimal import Context, Decimal

from kimp.domain.gates import Gate
from kimp.domain.money import KRW, USDT, Asset, exact

CASH_PLACES = {KRW: 0, USDT: 2}
PRICE = Context(prec=8)
"""Digits of an average price: those of the dearest coin in won, and of the cheapest in dollars."""
ROUGH_DIGITS = 6
OUTCOMES = {
    "not_sent": "the order was not sent, it moved no money",
    "unfilled": "the order was not filled, it moved no money",
    "rejected": "the venue refused the order, it moved no money",
    "blocked": "the order is held back and moved no money",
    "absent": "the order never reached the venue, it moved no money",
}
"""What became of an order, as a cycle's reason begins."""
KEEPS = "a way home that keeps "


def exactly(amount: Decimal) -> str:
    """Every digit, without the zeros that a venue writes behind them."""
    text = f"{amount:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@exact
def money(amount: Decimal, asset: Asset) -> str:
    """Whole won and cents of USDT, unless that would call something nothing; of a coin every digit."""
    places = CASH_PLACES.get(asset)
    if places is None or (amount and not round(amount, places)):
        return f"{exactly(amount)} {asset}"
    return f"{amount:,.{places}f} {asset}"


@exact
def won(gained: Decimal) -> str:
    """Whole won, and whether they were gained or lost."""
    return f"{gained:+,.0f} {KRW}"


def average_price(price: Decimal) -> str:
    return exactly(PRICE.plus(price))


@exact
def roughly(amount: Decimal, asset: Asset) -> str:
    """Cash as ever; of a coin the first digits, where all of them would take the place of something else."""
    if asset in CASH_PLACES:
        return money(amount, asset)
    return f"{exactly(round(amount, max(0, ROUGH_DIGITS - 1 - amount.adjusted())))} {asset}"


def reason_in_words(reason: str | None) -> str | None:
    """A cycle's reason for whoever reads it: histories keep it as it was recorded, with codes in it."""
    if reason is None:
        return None
    code, colon, rest = reason.partition("; ")
    if colon and code in OUTCOMES:
        gate, colon, detail = rest.partition("; ")
        cause = detail if colon and gate in set(Gate) else rest
        reason = f"{OUTCOMES[code]}: {cause}"
    if reason.startswith(KEEPS):
        reason = f"a way home that leaves a profit of {reason.removeprefix(KEEPS)}"
    return re.sub(r"\(\w+_\w+\)", lambda name: name[0].replace("_", " "), reason)
