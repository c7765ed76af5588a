"""All that a screen shows which is looked at all the time."""

from collections.abc import Sequence
from dataclasses import dataclass

from kimp.config import Settings
from kimp.domain.errors import BusUnavailable
from kimp.operations.market import CoinMarket, market_now
from kimp.operations.status import Status, status
from kimp.ports.clock import Clock
from kimp.ports.database import Database
from kimp.ports.read_model import CycleRow
from kimp.ports.ticks import TickBus


@dataclass(frozen=True, slots=True)
class DashboardSnapshot:
    """As of one moment."""

    at_ms: int
    status: Status
    market: Sequence[CoinMarket]
    """None while no Redis serves."""
    latest: Sequence[CycleRow]
    """Cycles, those that ended too; latest first."""


async def dashboard_snapshot(
    database: Database, bus: TickBus, configured: Settings, clock: Clock, many: int
) -> DashboardSnapshot:
    """`many`: how many of the latest cycles. Raises StoreUnavailable while the database does not serve."""
    return DashboardSnapshot(
        clock.now_ms(),
        await status(database, bus, configured.trading.assets, clock),
        await _market(database, bus, configured, clock),
        await database.read_model.cycles(limit=many),
    )


async def _market(database: Database, bus: TickBus, configured: Settings, clock: Clock) -> Sequence[CoinMarket]:
    try:
        return await market_now(bus, database, configured, clock)
    except BusUnavailable:
        return ()
