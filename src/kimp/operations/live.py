"""Leave to trade real money: given by a person who types what he allows, with a cap and an end."""

from kimp.config import Settings
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadInput
from kimp.ports.controls import KillSwitch

LONGEST_S = 7 * 86_400
UNITS = {"m": 60, "h": 3600, "d": 86_400}


def seconds_of(text: str) -> int:
    """`90m`, `8h` or `2d`. Raises BadInput for anything else, and for more than seven days."""
    number, unit = text[:-1], text[-1:].lower()
    if unit not in UNITS or not (number.isascii() and number.isdigit()) or int(number) == 0:
        raise BadInput(f"{text!r} is no length of time; write 90m, 8h or 2d")
    seconds = int(number) * UNITS[unit]
    if seconds > LONGEST_S:
        raise BadInput(f"trading is armed for seven days at most, so that somebody looks again; {text} is longer")
    return seconds


async def check_arming(switch: KillSwitch, settings: Settings, cap_krw: int) -> None:
    """Raises BadInput where arming would do nothing, or allow more than the configuration does."""
    if not settings.mode.trades_armed:
        raise BadInput(
            f'mode is {settings.mode}, in which nothing has to be armed; set mode = "once" or "live" in kimp.toml first'
        )
    if (halt := await switch.halt_level()) is not HaltLevel.RUN:
        raise BadInput(f"trading is halted at level {int(halt)}; look why (`kimp status`), then `kimp resume` and arm")
    least = min(settings.trading.least_notional_krw, settings.trading.notional_krw)
    if cap_krw < least:
        raise BadInput(f"--cap {cap_krw} is below what one cycle starts with; {least:,.0f} KRW is the least")
