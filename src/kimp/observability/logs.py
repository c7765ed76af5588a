"""One line per event on stdout: JSON for machines, short on a terminal. Lines of a cycle say whose they are."""

import json
import logging
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from opentelemetry import trace
from temporalio import activity, workflow

from kimp.domain.ids import cycle_of_workflow
from kimp.observability.clean import clean, clean_json, clean_line
from kimp.observability.context import CYCLE_FIELDS, NONE, fields

QUIET = ("aiohttp.access", "alembic", "asyncio", "websockets", "ccxt", "opentelemetry", "urllib3")
"""Libraries that tell too much at level INFO."""


class CycleContextFilter(logging.Filter):
    """Adds to each record what is bound where it was made: cycle, step, attempt, venue, trace.

    Drops what the SDK says of an attempt that failed, because none of these is bound there.
    """

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def filter(self, record: logging.LogRecord) -> bool:
        record.kimp = {"process": self._process, **(fields() or _of_temporal(record)), **_of_trace()}
        # The SDK tells a failed attempt once more, outside of its context; `kimp.steps` has told it inside.
        return not (record.name == "temporalio.activity" and record.getMessage().startswith("Completing "))


def _of_temporal(record: logging.LogRecord) -> Mapping[str, str]:
    """The SDK's own lines, written outside of the work that they are about, name the workflow at least."""
    reported = getattr(record, "temporal_activity", None) or getattr(record, "temporal_workflow", None)
    if not isinstance(reported, dict) or (cycle_id := cycle_of_workflow(str(reported.get("workflow_id")))) is None:
        return {}
    step = str(reported.get("activity_type", NONE))
    return {"cycle_id": cycle_id, "step": step, "attempt": str(reported.get("attempt", NONE)), "venue": NONE}


def _of_trace() -> Mapping[str, str]:
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}


class JsonLines(logging.Formatter):
    """A line per record; an error's traceback is one field of it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "kimp", {}),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return clean_json(json.dumps(line, ensure_ascii=False))


class PrettyLines(logging.Formatter):
    """For people: whose line it is stands behind it in brackets."""

    def format(self, record: logging.LogRecord) -> str:
        reported: Mapping[str, str] = getattr(record, "kimp", {})
        whose = " ".join(reported[name] for name in CYCLE_FIELDS if name in reported)
        text = (
            f"{datetime.fromtimestamp(record.created):%H:%M:%S}.{record.msecs:03.0f} {record.levelname:<7}"  # noqa: DTZ006 - the reader's own clock
            f" {reported.get('process', '')} {record.name}: {clean_line(record.getMessage())}"
        )
        if whose:
            text += f"  [{whose}]"
        return clean(f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text)


def configure_logging(process: str, form: str = "auto", level: str = "info") -> None:
    """`process` names the kimp command that speaks; `form`: json, pretty, or auto, which is pretty on a terminal."""
    pretty = sys.stdout.isatty() if form == "auto" else form == "pretty"
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(PrettyLines() if pretty else JsonLines())
    handler.addFilter(CycleContextFilter(process))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    # What these would add to the message is in fields of its own.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
    # A workflow that leaves a worker's cache is closed where it stood; its spans then end in another context, which
    # OpenTelemetry tells with a traceback, and which changes nothing.
    logging.getLogger("opentelemetry.context").setLevel(logging.CRITICAL)
    if level != "debug":
        for noisy in QUIET:
            logging.getLogger(noisy).setLevel(logging.WARNING)
