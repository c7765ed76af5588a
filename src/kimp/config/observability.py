"""What a process tells of itself."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from kimp.config.section import Section

Signal = Literal["traces", "metrics", "logs"]


class ObservabilitySettings(Section):
    """What a process tells of itself; all off but its log. docs/observability.md tells where to send it."""

    log_format: Literal["auto", "json", "pretty"] = "auto"
    """Of the log on stdout; auto is pretty on a terminal and JSON elsewhere."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged; debug lets libraries speak too."""
    log_dir: Path | None = None
    """Where `kimp cycles logs` looks for the processes' log files; left out: the data directory."""
    http_host: str = "127.0.0.1"
    """Where /metrics, /healthz and /readyz are served; other than loopback only in a network of one's own."""
    http_port: int = Field(default=0, ge=0, lt=65536)
    """Their port, 0 for none. Several processes on one machine need one each; `kimp up` counts up from this one."""
    otlp: tuple[Signal, ...] = ()
    """What is sent by OTLP over HTTP: traces, metrics, logs. OpenTelemetry's own OTEL_ variables are honoured."""
    otlp_endpoint: str | None = None
    """The collector, e.g. `http://collector:4318`; left out: as OTEL_EXPORTER_OTLP_ENDPOINT says."""
