"""OpenTelemetry's providers by the settings, set once per process."""

import logging
import os
import socket
from dataclasses import dataclass

from opentelemetry import metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import CollectorRegistry
from temporalio.contrib.opentelemetry import ReplaySafeTracerProvider, create_tracer_provider

from kimp.adapters.telemetry.otlp_logs import OtlpLogHandler
from kimp.config.observability import ObservabilitySettings
from kimp.observability.metrics import begin_counting

EVERY_MS = 15_000
"""Between two sendings of figures, unless OTEL_METRIC_EXPORT_INTERVAL says else: alerts ask what one minute brought."""


@dataclass(frozen=True, slots=True)
class Exports:
    """What was set up."""

    tracing: ReplaySafeTracerProvider
    metering: MeterProvider | None
    """None where nobody asks for figures: then none are kept."""
    lines: OtlpLogHandler | None
    registry: CollectorRegistry | None
    """What the page /metrics shows."""

    def shutdown(self) -> None:
        """Send what is left. Blocks for as long as the collector lets it wait, ten seconds at most."""
        self.tracing.shutdown()
        if self.metering is not None:
            self.metering.shutdown()
        if self.lines is not None:
            logging.getLogger().removeHandler(self.lines)
            self.lines.close()


def start_exports(settings: ObservabilitySettings, process: str) -> Exports:
    """`process` names the kimp command. Trace ids are made in any case: log lines carry them."""
    resource = _resource(process)
    tracing = _tracing(settings, resource)
    trace.set_tracer_provider(tracing)
    registry = CollectorRegistry() if settings.http_port else None
    metering = _metering(settings, resource, registry)
    if metering is not None:
        metrics.set_meter_provider(metering)
        begin_counting()
    return Exports(tracing, metering, _lines(settings, resource, process), registry)


def _resource(process: str) -> Resource:
    named = {"service.namespace": "kimp", "service.instance.id": f"{socket.gethostname()}:{os.getpid()}"}
    if "OTEL_SERVICE_NAME" not in os.environ:
        named["service.name"] = f"kimp-{process}"
    return Resource.create(named)


def _endpoint(settings: ObservabilitySettings, signal: str) -> str | None:
    """None leaves it to the exporter, which reads OTEL_EXPORTER_OTLP_ENDPOINT and the like."""
    return None if settings.otlp_endpoint is None else f"{settings.otlp_endpoint.rstrip('/')}/v1/{signal}"


def _tracing(settings: ObservabilitySettings, resource: Resource) -> ReplaySafeTracerProvider:
    if "traces" not in settings.otlp:
        return create_tracer_provider(sampler=ALWAYS_OFF, resource=resource, shutdown_on_exit=False)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - slow import

    # The sampler is OTEL_TRACES_SAMPLER's: all, unless it says less.
    provider = create_tracer_provider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(_endpoint(settings, "traces"))))
    return provider


def _metering(
    settings: ObservabilitySettings, resource: Resource, registry: CollectorRegistry | None
) -> MeterProvider | None:
    readers: list[MetricReader] = []
    if registry is not None:
        from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - slow import

        readers.append(PrometheusMetricReader(scope_info_enabled=False, registry=registry))
    if "metrics" in settings.otlp:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415 - as above

        every_ms = None if "OTEL_METRIC_EXPORT_INTERVAL" in os.environ else EVERY_MS
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter(_endpoint(settings, "metrics")), every_ms))
    return MeterProvider(readers, resource, shutdown_on_exit=False) if readers else None


def _lines(settings: ObservabilitySettings, resource: Resource, process: str) -> OtlpLogHandler | None:
    if "logs" not in settings.otlp:
        return None
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415 - as above

    provider = LoggerProvider(resource, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(_endpoint(settings, "logs"))))
    lines = OtlpLogHandler(provider, process)
    logging.getLogger().addHandler(lines)
    return lines
