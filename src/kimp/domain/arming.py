"""Leave to trade real money: given by a person, for a while and up to an amount, and closed unless it can be read."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from kimp.domain.caps import Exposure
from kimp.domain.gates import Blocked, Gate

HOW = "`kimp live arm` arms it for a while"


class TradingMode(StrEnum):
    """How far an installation may go with real venues, rung by rung."""

    SYNTHETIC = "synthetic"
    """The paper exchange and its money alone."""
    OBSERVE = "observe"
    """The real venues are read, cycles that would start are logged, and nothing is sent."""
    ONCE = "once"
    """One cycle of the least size each time that trading is armed."""
    LIVE = "live"
    """Real money, while it is armed."""

    @property
    def trades_armed(self) -> bool:
        """Whether cycles start only while a person has armed trading."""
        return self in (TradingMode.ONCE, TradingMode.LIVE)


@dataclass(frozen=True, slots=True)
class Armed:
    """What a person has allowed. In force until its time is over, and until anything halts trading."""

    cap_krw: int
    """What the cash of all open cycles together may be worth."""
    until_ms: int
    """By the database's clock."""
    by: str
    note: str
    cycles: int = 0
    """Started since."""


def check_armed(mode: TradingMode, armed: Armed | None) -> Blocked | None:
    """May one more cycle start, whatever its size?"""
    if not mode.trades_armed:
        return None
    if armed is None:
        return Blocked(Gate.NOT_ARMED, f"trading is not armed, so no cycle starts; {HOW}")
    if mode is TradingMode.ONCE and armed.cycles > 0:
        return Blocked(Gate.NOT_ARMED, f"mode is once, and its one cycle was started; look at it, then {HOW}")
    return None


def check_armed_cap(mode: TradingMode, armed: Armed | None, now: Exposure, stake_krw: Decimal) -> Blocked | None:
    """Is there room for a cycle of `stake_krw`?"""
    if not mode.trades_armed or armed is None or (at_stake := now.open_krw + stake_krw) <= armed.cap_krw:
        return None
    return Blocked(
        Gate.ARMED_CAP,
        f"{at_stake:,.0f} KRW at stake with this cycle; trading is armed up to {armed.cap_krw:,.0f}",
    )
