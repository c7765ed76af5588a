"""Figures of Temporal's core, from a real runtime's buffer."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

from kimp.adapters.telemetry.temporal_metrics import TemporalMetrics


class Scene:
    def __init__(self) -> None:
        buffer = MetricBuffer(1_000)
        self.meter = Runtime(telemetry=TelemetryConfig(metrics=buffer, attach_service_name=False)).metric_meter
        self._reader = InMemoryMetricReader()
        self._metering = MeterProvider([self._reader])
        self.figures = TemporalMetrics(buffer, self._metering)

    def points(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        data = self._reader.get_metrics_data()
        found = [m for r in (data.resource_metrics if data else []) for s in r.scope_metrics for m in s.metrics]
        return [
            (dict(p.attributes or {}), p) for metric in found if metric.name == name for p in metric.data.data_points
        ]

    def close(self) -> None:
        self._metering.shutdown()


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def test_each_figure_keeps_its_own_labels(scene: Scene) -> None:
    """Label sets are made for a moment and thrown away: another may stand where one stood in memory."""
    counter = scene.meter.create_counter("asked")
    for number in range(50):
        counter.add(number, {"operation": str(number)})
        scene.figures.drain()
    assert {labels["operation"]: point.value for labels, point in scene.points("asked")} == {
        str(number): number for number in range(50)
    }


def test_a_gauge_shows_its_last_value(scene: Scene) -> None:
    gauge = scene.meter.create_gauge("free", "slots left", "{slot}")
    for value in (100, 99, 98):
        gauge.set(value, {"queue": "cycles"})
    gauge.set(7, {"queue": "ops"})
    scene.figures.drain()
    assert {labels["queue"]: point.value for labels, point in scene.points("free")} == {"cycles": 98, "ops": 7}


def test_a_histogram_takes_each_value(scene: Scene) -> None:
    histogram = scene.meter.create_histogram("latency", unit="ms")
    for value in (3, 30, 300):
        histogram.record(value, {"queue": "cycles"})
    scene.figures.drain()
    ((labels, point),) = scene.points("latency")
    assert labels == {"queue": "cycles"}
    assert (point.count, point.sum) == (3, 333)


async def test_nothing_is_lost_at_the_end(scene: Scene) -> None:
    async with scene.figures.exported():
        scene.meter.create_counter("asked").add(1)
    assert [point.value for _, point in scene.points("asked")] == [1]
