"""How much may be at stake, and when kimp stops itself.

A cap that was reached by what kimp *did*, not by what it is about to do, latches: the kill switch goes to "no new
cycles" and stays there until a person has looked (EU RTS 6 art. 15: a repeated execution throttle disables the
strategy until a human enables it again).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from kimp.domain.gates import Blocked, Gate
from kimp.domain.money import KRW, USDT, ZERO, Asset, Money, exact

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
    open_krw: int = 0
    """What open cycles have started with."""

    def with_open(self, open_cycles: int) -> "Exposure":
        """The same where more cycles are known to be open than the books show yet."""
        return replace(self, open_cycles=max(self.open_cycles, open_cycles))


LATCHES = frozenset({Gate.LOSSES_IN_A_ROW, Gate.DAY_LOSS, Gate.CYCLE_RATE})


def check_latches(caps: Caps, now: Exposure) -> Blocked | None:
    """What has happened already and halts trading until a person has looked, or None."""
    return next(latch_gates(caps, now), None)


def latch_gates(caps: Caps, now: Exposure) -> Iterator[Blocked]:
    """Every latch that has been reached."""
    if now.losses_in_a_row >= caps.losses_in_a_row:
        yield _reached(Gate.LOSSES_IN_A_ROW, "{} cycles in a row lost money", now.losses_in_a_row, caps.losses_in_a_row)
    if now.day_loss_krw >= caps.day_loss_krw:
        yield _reached(Gate.DAY_LOSS, "{} KRW lost within 24 hours", now.day_loss_krw, caps.day_loss_krw)
    if now.started_last_minute >= caps.cycles_per_minute:
        yield _reached(Gate.CYCLE_RATE, "{} cycles within a minute", now.started_last_minute, caps.cycles_per_minute)


def check_open_cycles(caps: Caps, now: Exposure) -> Blocked | None:
    """Is there room for one more cycle, whatever its size?"""
    if now.open_cycles >= caps.open_cycles:
        return _reached(Gate.OPEN_CYCLES, "{} cycles are open", now.open_cycles, caps.open_cycles)
    return None


def cap_gates(caps: Caps, now: Exposure, stake_krw: Decimal) -> Iterator[Blocked]:
    """Every cap that one more cycle of `stake_krw` would pass."""
    if stake_krw > caps.order_krw:
        yield _reached(Gate.ORDER_CAP, "an order of {} KRW", stake_krw, caps.order_krw)
    if stake_krw > caps.cycle_krw:
        yield _reached(Gate.CYCLE_CAP, "a cycle of {} KRW", stake_krw, caps.cycle_krw)
    if (day_krw := now.day_krw + stake_krw) > caps.day_krw:
        yield _reached(Gate.DAY_CAP, "{} KRW within 24 hours, this one included", day_krw, caps.day_krw)


def _reached(gate: Gate, words: str, figure: Decimal | int, most: Decimal | int) -> Blocked:
    return Blocked(gate, f"{words.format(f'{figure:,.0f}')}; {most:,.0f} allowed")


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


def check_stock(free: Decimal | None, wanted: Decimal, coin: Asset, venue: str) -> Blocked | None:
    """Are there coins that no other cycle counts on? `free` is None where the venue never held any."""
    if (free or ZERO) < wanted:
        return Blocked(Gate.STOCK, f"{free or ZERO:f} {coin} are free on {venue}, {wanted:f} to sell at once")
    return None
