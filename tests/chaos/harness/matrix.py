"""The crash-point matrix: every point that `kimp.observability.crash_points` names, at every step that passes it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

from kimp.contracts.status import CycleStatus
from kimp.contracts.sweep import SWEEP
from kimp.domain.ids import Leg, Step
from kimp.domain.venues import PAIR
from kimp.observability import crash_points

ORDERS = tuple(f"{leg}{step}" for leg, step in product(Leg, (Step.BUY, Step.SELL)))
WITHDRAWALS = tuple(f"{leg}{Step.SEND}" for leg in Leg)
DIRECTIONS = tuple(direction for direction in PAIR.directions)
PASSED_BY = frozenset({CycleStatus.INITIAL_TRADE_COMPLETED, CycleStatus.REBALANCE_TRADE_COMPLETED})
"""The next status follows within the same workflow task, so no record ever carries these."""
RECORDS = tuple(status.value for status in CycleStatus if status not in PASSED_BY)

STEPS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(crash_points.ORDER_POINTS, ORDERS),
    **dict.fromkeys(crash_points.PAIR_POINTS, (f"{Leg.ONE}{Step.BUY}",)),
    **dict.fromkeys(crash_points.WITHDRAWAL_POINTS, WITHDRAWALS),
    **dict.fromkeys(crash_points.TAKEOVER_POINTS, (CycleStatus.COMPENSATING,)),
    **dict.fromkeys(crash_points.GIVE_UP_POINTS, (Step.SEND,)),
    **dict.fromkeys(crash_points.BREACH_POINTS, tuple(venue for venue in PAIR)),
    **dict.fromkeys((*crash_points.SWEEP_POINTS, *crash_points.RECONCILE_POINTS), (SWEEP,)),
    "withdrawal-followed": WITHDRAWALS,
    "deposit-followed": DIRECTIONS,
    **dict.fromkeys(crash_points.RECORD_POINTS, RECORDS),
    **dict.fromkeys(crash_points.START_POINTS, DIRECTIONS),
}
"""Point -> its steps."""
RARE = frozenset(
    {
        *crash_points.TAKEOVER_POINTS,
        *crash_points.GIVE_UP_POINTS,
        *crash_points.BREACH_POINTS,
        *crash_points.SWEEP_POINTS,
        *crash_points.RECONCILE_POINTS,
    }
)
EARLY = frozenset({"1B", "1W", *DIRECTIONS, CycleStatus.STARTED})


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    point: str
    step: str

    def __str__(self) -> str:
        """As its charge's file is called."""
        return f"{self.point}@{self.step}"

    @property
    def slow(self) -> bool:
        """Takes long to come up, because much must have gone well or something wrong before, or long to get over."""
        return self.step not in EARLY or self.point in RARE or self.point == "withdraw-journalled"

    @property
    def last(self) -> bool:
        """Passed only when nothing is under way: it can be hit after the faults alone."""
        return self.point in crash_points.RECONCILE_POINTS


def named_points() -> frozenset[str]:
    """All points of the module's tuples."""
    return frozenset(
        point
        for name, value in vars(crash_points).items()
        if name.endswith("_POINTS") and isinstance(value, tuple)
        for point in value
    )


def cells(*, prefunded: bool = True) -> list[Cell]:
    """The whole matrix, or without what only a prefunded cycle comes to."""
    left_out = () if prefunded else crash_points.PAIR_POINTS
    return [Cell(point, step) for point, steps in STEPS.items() for step in steps if point not in left_out]


def quick(*, prefunded: bool = True) -> list[Cell]:
    """Those that each cycle comes to within seconds, and gets over within seconds."""
    return [cell for cell in cells(prefunded=prefunded) if not cell.slow]
