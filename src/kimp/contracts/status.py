"""The states of a cycle, as people search for them."""

from enum import StrEnum


class CycleStatus(StrEnum):
    STARTED = "STARTED"
    INITIAL_TRADE_COMPLETED = "INITIAL_TRADE_COMPLETED"
    AWAITING_REBALANCE = "AWAITING_REBALANCE"
    REBALANCING_IN_PROGRESS = "REBALANCING_IN_PROGRESS"
    REBALANCE_TRADE_COMPLETED = "REBALANCE_TRADE_COMPLETED"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    COMPENSATING = "COMPENSATING"
    COMPENSATED = "COMPENSATED"
    DEAD_LETTER = "DEAD_LETTER"

    @property
    def terminal(self) -> bool:
        """The workflow has ended: nothing of the cycle is open."""
        return self in TERMINAL


TERMINAL = frozenset({CycleStatus.COMPLETED, CycleStatus.REJECTED, CycleStatus.COMPENSATED})
