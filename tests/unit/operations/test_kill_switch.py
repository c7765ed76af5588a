"""A halt never loosens the kill switch and a resume never pulls it, whoever asks; each is kept with who and why."""

from dataclasses import dataclass, field

import pytest

from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadInput
from kimp.operations.kill_switch import halt, resume
from kimp.ports.controls import Halt


@dataclass
class Switch:
    level: HaltLevel
    kept: list[tuple[HaltLevel, str, str]] = field(default_factory=list)

    async def halt_level(self) -> HaltLevel:
        return self.level

    async def halt_in_force(self) -> Halt | None:
        raise NotImplementedError

    async def halt_at_least(self, level: HaltLevel, reason: str) -> None:
        raise NotImplementedError

    async def set_halt_level(self, level: HaltLevel, reason: str, *, by: str) -> None:
        self.level = level
        self.kept.append((level, reason, by))


@pytest.mark.parametrize("before", list(HaltLevel))
@pytest.mark.parametrize("level", list(HaltLevel))
async def test_each_goes_one_way(before: HaltLevel, level: HaltLevel) -> None:
    for change, allowed in ((halt, level >= before), (resume, level <= before)):
        switch = Switch(before)
        if allowed:
            assert await change(switch, level, "drill", "alice") is before
            assert switch.kept == [(level, "drill", "alice")]
        else:
            with pytest.raises(BadInput, match=rf"stands at {before.value} \("):
                await change(switch, level, "drill", "alice")
            assert switch.kept == []
            assert switch.level is before
