"""Log lines by OTLP, with the same fields as on stdout."""

import logging
import traceback

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider

from kimp.observability.logs import CycleContextFilter

SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
OF_THE_RECORD = ("trace_id", "span_id")
"""Fields that OTLP has a place for, which the SDK fills: a store would show them twice."""


class OtlpLogHandler(logging.Handler):
    """The SDK's own handler is deprecated, and would send every attribute that a library leaves on a record."""

    def __init__(self, provider: LoggerProvider, process: str) -> None:
        super().__init__()
        self._provider = provider
        self.addFilter(CycleContextFilter(process))
        # What the exporter says of its own troubles must not come back to it.
        self.addFilter(lambda record: not record.name.startswith("opentelemetry"))

    def emit(self, record: logging.LogRecord) -> None:
        reported: dict[str, str] = dict(getattr(record, "kimp", {}))
        for name in OF_THE_RECORD:
            reported.pop(name, None)
        if record.exc_info and record.exc_info[0] is not None:
            reported["exception.type"] = record.exc_info[0].__name__
            reported["exception.stacktrace"] = "".join(traceback.format_exception(*record.exc_info))
        self._provider.get_logger(record.name).emit(
            timestamp=int(record.created * 1e9),
            severity_number=SEVERITIES.get(record.levelno, SeverityNumber.UNSPECIFIED),
            severity_text=record.levelname,
            body=record.getMessage(),
            attributes=reported,
        )

    def close(self) -> None:
        self._provider.shutdown()
        super().close()
