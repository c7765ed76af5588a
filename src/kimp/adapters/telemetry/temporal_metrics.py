"""Temporal's own figures: out of the buffer that the SDK's core fills, into instruments of OpenTelemetry.

The SDK brings a `MetricsExporter` for this (`temporalio.contrib.opentelemetry`). That of 1.35 knows labels by the `id`
of objects that it does not keep, so that figures come to stand under labels of others.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from opentelemetry.metrics import MeterProvider
from temporalio.common import MetricAttributes
from temporalio.runtime import (
    BUFFERED_METRIC_KIND_COUNTER,
    BUFFERED_METRIC_KIND_GAUGE,
    BufferedMetric,
    MetricBuffer,
)

DRAIN_EVERY_S = 1.0
Record = Callable[[float, MetricAttributes], None]


class TemporalMetrics:
    """To be made when a runtime has the buffer."""

    def __init__(self, buffer: MetricBuffer, metering: MeterProvider) -> None:
        self._buffer = buffer
        self._meter = metering.get_meter("temporalio")
        self._known: dict[str, Record] = {}

    def drain(self) -> None:
        for update in self._buffer.retrieve_updates():
            self._instrument(update.metric)(update.value, dict(update.attributes))

    def _instrument(self, metric: BufferedMetric) -> Record:
        if metric.name not in self._known:
            self._known[metric.name] = self._opened(metric)
        return self._known[metric.name]

    def _opened(self, metric: BufferedMetric) -> Record:
        unit, description = metric.unit or "", metric.description or ""
        if metric.kind == BUFFERED_METRIC_KIND_COUNTER:
            return self._meter.create_counter(metric.name, unit, description).add
        if metric.kind == BUFFERED_METRIC_KIND_GAUGE:
            return self._meter.create_gauge(metric.name, unit, description).set
        return self._meter.create_histogram(metric.name, unit, description).record

    @asynccontextmanager
    async def exported(self) -> AsyncIterator[None]:
        """While the block runs, and once more at its end."""
        draining = asyncio.create_task(self._drain_often())
        try:
            yield
        finally:
            draining.cancel()
            self.drain()

    async def _drain_often(self) -> None:
        while True:
            self.drain()
            await asyncio.sleep(DRAIN_EVERY_S)
