"""A person decides whether kimp trades."""

from collections.abc import Awaitable, Callable

from kimp.bootstrap.parts import open_database
from kimp.cli.person import who
from kimp.cli.terminal import report_outcome
from kimp.config import load
from kimp.domain.admission import HaltLevel
from kimp.operations import kill_switch
from kimp.ports.controls import KillSwitch

SwitchChange = Callable[[KillSwitch, HaltLevel, str, str], Awaitable[HaltLevel]]


async def halt(level: HaltLevel, note: str, *, as_json: bool) -> None:
    """Tighter."""
    await _set_halt(level, note, kill_switch.halt, as_json=as_json)


async def resume(level: HaltLevel, note: str, *, as_json: bool) -> None:
    """Looser."""
    await _set_halt(level, note, kill_switch.resume, as_json=as_json)


def describe_change(before: HaltLevel, level: HaltLevel) -> str:
    """What became of the kill switch, for people."""
    if before is level:
        return (
            f"the kill switch stood at {_name(level)} already"
            if level
            else "kimp was not halted; losses count anew from now on"
        )
    return f"kill switch: {_name(before)} -> {_name(level)}"


def _name(level: HaltLevel) -> str:
    return f"{level.value} ({level.name.lower().replace('_', ' ')})"


async def _set_halt(level: HaltLevel, note: str, change: SwitchChange, *, as_json: bool) -> None:
    async with open_database(load()) as database:
        before = await change(database.controls, level, note, who())
        text = f"{describe_change(before, level)}; in {database.place}"
    report_outcome(
        text, {"before": int(before), "level": int(level), "note": note, "database": database.place}, as_json=as_json
    )
