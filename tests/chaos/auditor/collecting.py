"""Reads the evidence. It connects to the servers themselves, past every proxy, and asks none of kimp's own code."""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from chaos.auditor.evidence import Call, Row, Unread, Workflow
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecution
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.service import RPCError

OPEN_ROWS = {
    "cycles": "SELECT * FROM cycles WHERE status NOT IN ('COMPLETED', 'REJECTED', 'COMPENSATED')",
    "reservations": "SELECT * FROM reservations WHERE released_ms IS NULL",
}
CYCLES = "WorkflowType IN ('ArbitrageCycle', 'StrandedCycle')"


def read_journal(path: Path) -> Sequence[Row] | Unread:
    """All lines; the venue writes each whole."""
    try:
        return [json.loads(line, parse_float=Decimal) for line in path.read_text().splitlines()]
    except (OSError, ValueError) as error:
        return Unread(f"{path}: {error}")


async def read_tables(url: str) -> Mapping[str, Sequence[Row]] | Unread:
    """Every table that the database itself names."""
    return await _read(url, _tables)


async def read_open_rows(url: str) -> Mapping[str, Sequence[Row]] | Unread:
    """Of cycles that have not ended, and cash that is set aside: little, and read often."""
    return await _read(url, lambda connection: {name: _rows(connection, query) for name, query in OPEN_ROWS.items()})


async def _read(url: str, read: Callable[[Connection], dict[str, list[Row]]]) -> Mapping[str, Sequence[Row]] | Unread:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(read)
    except (SQLAlchemyError, OSError) as error:
        return Unread(f"the database: {type(error).__name__}")
    finally:
        await engine.dispose()


def _tables(connection: Connection) -> dict[str, list[Row]]:
    names = inspect(connection).get_table_names()
    return {name: _rows(connection, f"SELECT * FROM {name}") for name in names}  # noqa: S608 - the database's own names


def _rows(connection: Connection, query: str) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query)).mappings()]


async def read_workflows(address: str, namespace: str) -> Sequence[Workflow] | Unread:
    try:
        # Its core would write to stdout, into the midst of the report.
        quiet = Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(filter="off")))
        client = await Client.connect(address, namespace=namespace, runtime=quiet)
        return [workflow async for workflow in _workflows(client)]
    except (RPCError, RuntimeError, ValueError) as error:
        return Unread(f"Temporal at {address}: {error}")


async def _workflows(client: Client) -> AsyncIterator[Workflow]:
    async for found in client.list_workflows(CYCLES):
        # What the list says lags behind; the workflow itself does not.
        handle = client.get_workflow_handle(found.id, run_id=found.run_id)
        now = await handle.describe()
        events = (await handle.fetch_history()).events
        yield _workflow(now, events)


def _workflow(found: WorkflowExecution, events: Sequence[HistoryEvent]) -> Workflow:
    done = {
        event.activity_task_completed_event_attributes.scheduled_event_id
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED
    }
    calls = tuple(
        Call(
            activity=event.activity_task_scheduled_event_attributes.activity_type.name,
            asked=_plain(event.activity_task_scheduled_event_attributes.input.payloads),
            done=event.event_id in done,
        )
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    )
    opened = events[0].workflow_execution_started_event_attributes
    reported = _plain(opened.input.payloads)
    return Workflow(
        workflow_id=found.id,
        run_id=opened.first_execution_run_id,
        status=found.status.name if found.status is not None else "UNKNOWN",
        started_ms=int(found.start_time.timestamp() * 1000),
        calls=calls,
        kind=found.workflow_type,
        brought=tuple(reported.get("entries", ())),
        opening={name: reported.get(name) for name in ("detected_at_ms", "quoted_at_ms")},
    )


def _plain(payloads: Sequence[Payload]) -> Row:
    """The one argument."""
    (payload,) = payloads
    encoding = payload.metadata["encoding"].decode()
    if encoding != "json/plain":
        raise ValueError(f"a payload is {encoding}; the auditor reads plain JSON")
    asked: dict[str, Any] = json.loads(payload.data, parse_float=Decimal)
    return asked
