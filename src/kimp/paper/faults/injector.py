"""Decides what goes wrong, and records it: in the journal and in the counts."""

import random
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

from kimp.domain.venues import Venue
from kimp.paper.faults.kinds import SHORTEST, FaultKind
from kimp.paper.faults.plan import FaultPlan, ScriptedFault
from kimp.paper.journal import PaperJournal

SHORTEST_SHARE = 0.25
"""A fault drawn at random lasts between this share of its seconds and all of them; a scripted one lasts all."""


@dataclass(frozen=True, slots=True)
class Fault:
    kind: FaultKind
    seconds: float

    @property
    def ms(self) -> int:
        return int(self.seconds * 1000)


class Injector:
    """Every route of every venue has a sequence of its own, drawn from the seed and the route's name.

    So the n-th order of a market meets the same fate whatever was polled in between.
    """

    def __init__(self, plan: FaultPlan, journal: PaperJournal) -> None:
        self._journal = journal
        self.counts: Counter[FaultKind] = Counter()
        """Since the start, whatever the plan was."""
        self.plan: FaultPlan
        self.set(plan)

    def set(self, plan: FaultPlan) -> None:
        """A new plan: its sequences begin anew, and nothing scripted before is left."""
        self.plan = plan
        self._script: list[tuple[ScriptedFault, int]] = [(fault, fault.times) for fault in plan.scripted]
        self._sequences: dict[tuple[Venue, str], _Sequence] = {}
        self._arm()

    def script(self, faults: tuple[ScriptedFault, ...]) -> None:
        """Behind those that still wait."""
        self._script += [(fault, fault.times) for fault in faults]
        self._arm()

    @property
    def waiting(self) -> list[ScriptedFault]:
        """What is scripted and has not struck yet."""
        return [fault.model_copy(update={"times": left}) for fault, left in self._script]

    def armed(self, kinds: AbstractSet[FaultKind]) -> bool:
        """False: none of them can strike, which spares the hot paths all further questions."""
        return not self._armed.isdisjoint(kinds)

    def draw(self, venue: Venue, route: str, kinds: AbstractSet[FaultKind], **facts: Any) -> Fault | None:
        """The fate of one request, order, transfer side or frame; `facts` name it in the journal."""
        if not self.armed(kinds):
            return None
        fault, number = self._next_scripted(venue, route, kinds), None
        if fault is None:
            fault, number = self._by_rate(venue, route, kinds)
        if fault is not None:
            self.counts[fault.kind] += 1
            self._journal.write(
                "fault",
                venue=venue,
                fault=fault.kind,
                route=route,
                seconds=fault.seconds,
                seed=self.plan.seed,
                draw=number,
                **facts,
            )
        return fault

    def _arm(self) -> None:
        self._armed = {rule.kind for rule in self.plan.rules} | {fault.kind for fault, _ in self._script}

    def _next_scripted(self, venue: Venue, route: str, kinds: AbstractSet[FaultKind]) -> Fault | None:
        for index, (scripted, left) in enumerate(self._script):
            if scripted.kind in kinds and scripted.matches(venue, route):
                self._script[index : index + 1] = [(scripted, left - 1)] if left > 1 else []
                self._arm()
                return Fault(scripted.kind, scripted.duration_s)
        return None

    def _by_rate(self, venue: Venue, route: str, kinds: AbstractSet[FaultKind]) -> tuple[Fault | None, int | None]:
        rules = [rule for rule in self.plan.rules if rule.kind in kinds and rule.matches(venue, route)]
        if not rules:
            return None, None
        sequence = self._sequences.get((venue, route))
        if sequence is None:
            sequence = self._sequences[venue, route] = _Sequence(f"{self.plan.seed}/{venue}/{route}")
        chance, share = sequence.next()
        for rule in rules:
            chance -= rule.rate
            if chance < 0:
                return Fault(rule.kind, max(rule.duration_s * share, SHORTEST.get(rule.kind, 0))), sequence.drawn
        return None, None


class _Sequence:
    """Two numbers per decision, drawn whether they are needed or not."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 # faults, not secrets
        self.drawn = 0

    def next(self) -> tuple[float, float]:
        self.drawn += 1
        return self._random.random(), self._random.uniform(SHORTEST_SHARE, 1)
