"""The SDK's core, which is not Python: what it has to say goes where kimp's own log lines go."""

import logging
from functools import cache

from temporalio.runtime import LogForwardingConfig, LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

CORE_LOGGING = LoggingConfig(
    filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
    forwarding=LogForwardingConfig(logger=logging.getLogger("temporalio.core")),
)
"""By itself it writes to stdout, into the midst of what a script reads there."""


@cache
def core_runtime() -> Runtime:
    """One for all clients of a process that keeps no figures of the SDK."""
    return Runtime(telemetry=TelemetryConfig(logging=CORE_LOGGING))
