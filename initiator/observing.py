"""Cycles that would be started, where real venues are only looked at."""

import logging

from kimp.contracts.cycle import CycleInput
from kimp.ports.starter import StartOutcome

log = logging.getLogger(__name__)


class ObservingStarter:
    """The port `CycleStarter`: logs what it is asked for, and starts nothing."""

    async def start(self, cycle: CycleInput) -> StartOutcome:
        log.info(
            "would buy %s %s on %s at %s at most and come home with %s, %+.3f %% expected; mode is observe, nothing is"
            " sent",
            format(cycle.buy_quantity, "f"),
            cycle.coin,
            cycle.direction.source,
            format(cycle.buy_limit_price, "f"),
            cycle.expected_route,
            cycle.expected_edge * 100,
        )
        return StartOutcome.OBSERVED
