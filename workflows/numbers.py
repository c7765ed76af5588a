"""Parts of client order ids and attempts of withdrawals: never given twice in a cycle."""

from collections import Counter
from collections.abc import Iterable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.domain.ids import Leg, Step, UsedNumber


class Numbers:
    """Counts for each step of a leg."""

    def __init__(self) -> None:
        self._last: Counter[tuple[Leg, Step]] = Counter()

    def next(self, leg: Leg, step: Step) -> int:
        self._last[leg, step] += 1
        return self._last[leg, step]

    def use(self, numbers: Iterable[UsedNumber]) -> None:
        """An earlier run of the cycle gave these and all below them."""
        for used in numbers:
            self._last[used.leg, used.step] = used.number

    def used(self) -> tuple[UsedNumber, ...]:
        """For the next run of the workflow."""
        return tuple(UsedNumber(leg, step, number) for (leg, step), number in self._last.items())
