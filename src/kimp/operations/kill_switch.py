"""The kill switch in a person's hands: a halt never loosens it, a resume never pulls it."""

from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadInput
from kimp.ports.controls import KillSwitch


async def halt(switch: KillSwitch, level: HaltLevel, note: str, by: str) -> HaltLevel:
    """The level before. Raises BadInput where this one would be looser."""
    before = await switch.halt_level()
    if level < before:
        raise BadInput(f"the kill switch stands at {_shown(before)} already; `kimp resume {level}` would loosen it")
    await switch.set_halt_level(level, note, by=by)
    return before


async def resume(switch: KillSwitch, level: HaltLevel, note: str, by: str) -> HaltLevel:
    """The level before. Raises BadInput where this one would be tighter."""
    before = await switch.halt_level()
    if level > before:
        raise BadInput(f"the kill switch stands at {_shown(before)}; `kimp halt {level}` would pull it")
    await switch.set_halt_level(level, note, by=by)
    return before


def _shown(level: HaltLevel) -> str:
    return f"{level.value} ({level.name.lower()})"
