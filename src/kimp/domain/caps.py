"""How much may be at stake, and when kimp stops itself.

A cap that was reached by what kimp *did*, not by what it is about to do, latches: the kill switch goes to "no new
cycles" and stays there until a person has looked (EU RTS 6 art. 15: a repeated execution throttle disables the
strategy until a human enables it again).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.gates import Blocked, Gate
from kimp.domain.money import KRW, USDT, Asset, Money, exact

ORDER_CEILING_KRW = Decimal(100_000_000)
"""No order is sent above this, whatever a configuration or a message says."""
ORDER_CEILING = {KRW: ORDER_CEILING_KRW, USDT: Decimal(100_000)}
"""The same in the order's own cash, which no rate has a part in."""


@dataclass(frozen=True, slots=True)
class Caps:
    """Amounts in won, counts as they are named."""

    order_krw: Decimal
    """Value of one order at its limit; what is larger goes out in parts."""
    cycle_krw: Decimal
    """Cash that one cycle may start with."""
    day_krw: Decimal
    """Cash that the cycles of any 24 hours may start with, together."""
    open_cycles: int
    cycles_per_minute: int
    losses_in_a_row: int
    day_loss_krw: Decimal
    """What the cycles that ended within 24 hours may have lost, together."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What is at stake, by the books. Rate and losses count from the moment that a person last resumed trading."""

    open_cycles: int = 0
    started_last_minute: int = 0
    day_krw: int = 0
    losses_in_a_row: int = 0
    day_loss_krw: int = 0
    """Positive: lost."""


def check_latches(caps: Caps, now: Exposure) -> Blocked | None:
    """What has happened already and halts trading until a person has looked, or None."""
    return _first(
        (Gate.LOSSES_IN_A_ROW, now.losses_in_a_row >= caps.losses_in_a_row, "{} cycles in a row lost money"),
        (Gate.DAY_LOSS, now.day_loss_krw >= caps.day_loss_krw, "{} KRW lost within 24 hours"),
        (Gate.CYCLE_RATE, now.started_last_minute >= caps.cycles_per_minute, "{} cycles within a minute"),
        figures=(now.losses_in_a_row, now.day_loss_krw, now.started_last_minute),
        most=(caps.losses_in_a_row, caps.day_loss_krw, caps.cycles_per_minute),
    )


@exact
def check_caps(caps: Caps, now: Exposure, stake_krw: Decimal) -> Blocked | None:
    """The first cap that forbids one more cycle of `stake_krw` at this moment, or None."""
    day_krw = now.day_krw + stake_krw
    return _first(
        (Gate.OPEN_CYCLES, now.open_cycles >= caps.open_cycles, "{} cycles are open"),
        (Gate.ORDER_CAP, stake_krw > caps.order_krw, "an order of {} KRW"),
        (Gate.CYCLE_CAP, stake_krw > caps.cycle_krw, "a cycle of {} KRW"),
        (Gate.DAY_CAP, day_krw > caps.day_krw, "{} KRW within 24 hours, this one included"),
        figures=(now.open_cycles, stake_krw, stake_krw, day_krw),
        most=(caps.open_cycles, caps.order_krw, caps.cycle_krw, caps.day_krw),
    )


def _first(
    *gates: tuple[Gate, bool, str], figures: Sequence[Decimal | int], most: Sequence[Decimal | int]
) -> Blocked | None:
    for (gate, closed, words), figure, limit in zip(gates, figures, most, strict=True):
        if closed:
            return Blocked(gate, f"{words.format(f'{figure:,.0f}')}; {limit:,.0f} allowed")
    return None


@exact
def above_ceiling(cash: Asset, amount: Decimal, krw_per_cash: Decimal) -> str | None:
    """By how much an order is too large to be sent at all, or None."""
    if amount > ORDER_CEILING[cash]:
        return f"{amount:,.0f} {cash} is above the ceiling of {ORDER_CEILING[cash]:,f}"
    value_krw = amount * krw_per_cash
    if value_krw > ORDER_CEILING_KRW:
        return f"{value_krw:,.0f} KRW is above the ceiling of {ORDER_CEILING_KRW:,f}"
    return None


def check_capital(free: Money | None, reserve: Money) -> Blocked | None:
    """Is there cash that no other cycle counts on? `free` is None where the account was never looked at."""
    if free is None:
        return Blocked(Gate.CAPITAL, f"how much {reserve.asset} there is was never read; start an initiator")
    if free < reserve:
        return Blocked(Gate.CAPITAL, f"{free} are free, {reserve} wanted")
    return None
