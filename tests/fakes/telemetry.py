"""OpenTelemetry's providers, kept in memory: a process has one of each, so all tests share them and look at changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, NumberDataPoint
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.contrib.opentelemetry import create_tracer_provider

OF_THE_SDK_WHEN_WELL = {
    "temporal_activity_schedule_to_start_latency_milliseconds_bucket",
    "temporal_workflow_task_schedule_to_start_latency_milliseconds_bucket",
    "temporal_workflow_task_execution_latency_milliseconds_bucket",
    "temporal_request_total",
    "temporal_worker_task_slots_available",
    "temporal_sticky_cache_size",
    "temporal_num_pollers",
}
"""Temporal's own figures that dashboards and alerts name, of processes that run cycles."""
OF_THE_SDK = OF_THE_SDK_WHEN_WELL | {
    # Only where something fails.
    "temporal_workflow_task_execution_failed_total",
    "temporal_request_failure_total",
}


class Telemetry:
    """Whatever this process has told since the tests began."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        metrics.set_meter_provider(MeterProvider([self._reader]))
        self._spans = InMemorySpanExporter()
        provider = create_tracer_provider()
        provider.add_span_processor(SimpleSpanProcessor(self._spans))
        trace.set_tracer_provider(provider)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    def measured(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """Labels and value of each point; of a histogram, how many values it took."""
        data = self._reader.get_metrics_data()
        found = [m for r in (data.resource_metrics if data else []) for s in r.scope_metrics for m in s.metrics]
        points = [point for metric in found if metric.name == name for point in metric.data.data_points]
        return [(dict(p.attributes or {}), p.value if isinstance(p, NumberDataPoint) else p.count) for p in points]

    def total(self, name: str, **labels: str) -> float:
        """The sum of all points that carry these labels."""
        return sum(value for reported, value in self.measured(name) if labels.items() <= reported.items())


@contextmanager
def counted(name: str, times: int = 1, **labels: str) -> Iterator[None]:
    """Of a counter: so many more of these labels by the end of the block."""
    before = telemetry().total(name, **labels)
    yield
    assert telemetry().total(name, **labels) - before == times, f"{name} {labels}"


@cache
def telemetry() -> Telemetry:
    return Telemetry()
