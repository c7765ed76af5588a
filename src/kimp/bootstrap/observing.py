"""A process that can be watched: exports, pages and checks, for as long as it runs."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

from kimp.adapters.clock import SystemClock
from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.telemetry.exports import Exports, start_exports
from kimp.adapters.telemetry.health_server import HealthServer, ReadinessCheck
from kimp.adapters.telemetry.temporal_metrics import TemporalMetrics
from kimp.adapters.temporal.core import CORE_LOGGING
from kimp.config import Settings
from kimp.domain.errors import KimpError
from kimp.observability.monitoring import show_monitoring
from kimp.operations.settings import SettingsInForce
from kimp.ports.monitoring import Monitoring

MONITOR_EVERY_S = 5.0
BUFFERED = 100_000
"""Updates of Temporal's own figures between two drains, which are a second apart."""
log = logging.getLogger(__name__)


@dataclass
class Observed:
    """A watched process."""

    measured: bool
    """Somebody asks for figures: what costs a query is worth it."""
    runtime: Runtime | None
    """For the Temporal client: tells the SDK's own figures beside kimp's. None: nobody asks."""
    checks: dict[str, ReadinessCheck] = field(default_factory=dict)
    """What /readyz asks."""


@asynccontextmanager
async def observed(settings: Settings, process: str) -> AsyncIterator[Observed]:
    """`process` names the kimp command. Raises BadConfig if the port of its pages is taken."""
    chosen = settings.observability
    exports = start_exports(chosen, process)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(asyncio.to_thread, exports.shutdown)
        runtime = await _temporal_figures(exports, stack)
        watched = Observed(measured=exports.metering is not None, runtime=runtime)
        if exports.registry is not None:
            pages = HealthServer(process, exports.registry, watched.checks)
            runner = await pages.start(chosen.http_host, chosen.http_port)
            stack.push_async_callback(runner.cleanup)
        yield watched


async def _temporal_figures(exports: Exports, stack: AsyncExitStack) -> Runtime | None:
    if exports.metering is None:
        return None
    buffer = MetricBuffer(BUFFERED)
    # A label service_name would meet the resource's, and a collector's Prometheus exporter then drops the figure.
    telemetry = TelemetryConfig(logging=CORE_LOGGING, metrics=buffer, attach_service_name=False)
    runtime = Runtime(telemetry=telemetry)
    await stack.enter_async_context(TemporalMetrics(buffer, exports.metering).exported())
    return runtime


@asynccontextmanager
async def monitored(books: SqlDatabase, settings: Settings) -> AsyncIterator[None]:
    """While the block runs, what the database tells of all cycles is shown."""
    task = asyncio.create_task(_monitor(books.monitoring, SettingsInForce(settings, books.settings)))
    try:
        yield
    finally:
        task.cancel()


async def _monitor(overview: Monitoring, rules: SettingsInForce) -> None:
    clock = SystemClock()
    while True:
        now = clock.now_ms()
        try:
            caps = (await rules.read()).settings.caps.caps()
            show_monitoring(await overview.snapshot(), caps, now)
        except KimpError as error:
            log.warning("what cycles do can't be shown: %s", error)
        await asyncio.sleep(MONITOR_EVERY_S)
