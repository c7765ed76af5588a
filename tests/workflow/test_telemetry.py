"""What a whole cycle tells: lines that all say whose they are, and one trace from the tick to the last booking."""

import json
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from fakes.lab import UNUSED_NUMBERS, Lab
from fakes.telemetry import Telemetry, telemetry
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from kimp.adapters.clock import SystemClock
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.temporal import tracing_plugin
from kimp.contracts.cycle import CycleInput
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import BusUnavailable, OutcomeUnknown
from kimp.domain.ids import workflow_id
from kimp.observability.context import NONE, bound
from kimp.observability.logs import CycleContextFilter, JsonLines
from kimp.observability.tracing import Cause, from_tick
from workflows.arbitrage_cycle import ArbitrageCycle

WHOSE = {"cycle_id", "step", "attempt", "venue", "trace_id"}
TRAVEL_MS = 40


class Lines(logging.Handler):
    """Every line as it would stand on stdout."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(CycleContextFilter("test"))
        self.setFormatter(JsonLines())
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Lines:
    handler = Lines()
    root = logging.getLogger()
    root.addHandler(handler)  # as it was afterwards: see logging_as_before
    root.setLevel(logging.INFO)
    return handler


@pytest.fixture
def reported() -> Telemetry:
    return telemetry()


@pytest.fixture
async def lab(temporal_server: DevServer, reported: Telemetry) -> Lab:
    client = await Client.connect(
        temporal_server.address,
        namespace=temporal_server.namespace,
        data_converter=pydantic_data_converter,
        plugins=[tracing_plugin()],
    )
    return Lab(client)


async def caused_by_a_tick(lab: Lab, cycle: CycleInput) -> None:
    """As the initiator does it."""
    quote = (await lab.upbit.market(cycle.coin)).quote._replace(received_ms=SystemClock().now_ms() - TRAVEL_MS)
    with (
        bound(cycle_id=cycle.cycle_id, step="start", attempt="1", venue="binance>upbit"),
        from_tick(Cause(quote, time.time_ns()), cycle.cycle_id),
    ):
        await TemporalCycleStarter(lab.client).start(cycle)


async def run(lab: Lab, lines: Lines | None = None, bus_faults: Sequence[Exception] = ()) -> CycleInput:
    """`lines` hear what is said until the cycle has ended; that workers then stop is no line of a cycle."""
    number = next(UNUSED_NUMBERS)  # the starter refuses an id that was used before
    cycle = (await lab.plan()).model_copy(update={"cycle_id": f"XRP-{number}"})
    lab.bus_faults.extend(bus_faults)
    async with lab.workers():
        await caused_by_a_tick(lab, cycle)
        result = await lab.client.get_workflow_handle_for(ArbitrageCycle.run, workflow_id(cycle.cycle_id)).result()
        if lines is not None:
            lines.setLevel(logging.CRITICAL + 1)
    assert result.status is CycleStatus.COMPLETED
    return cycle


async def test_every_line_of_a_cycle_says_whose_it_is(lab: Lab, lines: Lines) -> None:
    """Also when an order's answer is lost, and the first attempt to look it up breaks off."""
    lab.binance.after["place_order"] = deque([OutcomeUnknown("timeout", venue="binance")])
    lab.binance.faults["find_order"] = deque([OutcomeUnknown("cut off", venue="binance")])
    cycle = await run(lab, lines)
    assert len(lines.lines) > 25
    assert [line for line in lines.lines if not line.keys() >= WHOSE or "" in line.values()] == []
    assert {line["cycle_id"] for line in lines.lines} == {cycle.cycle_id}
    assert len({line["trace_id"] for line in lines.lines}) == 1
    doubt = next(line for line in lines.lines if "looking it up" in line["message"])
    assert (doubt["level"], doubt["step"], doubt["venue"], doubt["attempt"]) == ("warning", "1B", "binance", "1")
    again = [line for line in lines.lines if line["attempt"] == "2"]
    assert {(line["step"], line["venue"]) for line in again} == {("1B", "binance")}


async def test_a_failure_that_is_no_venues_is_told_once_and_says_whose_it_is(lab: Lab, lines: Lines) -> None:
    """The SDK would tell it again, outside of the attempt: without trace, step and venue."""
    cycle = await run(lab, lines, [BusUnavailable("Redis is away")])
    assert [line for line in lines.lines if not line.keys() >= WHOSE or "" in line.values()] == []
    (reported,) = [line for line in lines.lines if "Redis is away" in json.dumps(line)]
    assert (reported["level"], reported["cycle_id"], reported["attempt"]) == ("warning", cycle.cycle_id, "1")
    assert reported["message"].startswith("find_route: BusUnavailable after ")


async def test_lines_of_orders_and_transfers_name_step_and_venue(lab: Lab, lines: Lines) -> None:
    await run(lab, lines)
    steps = {(line["step"], line["venue"]) for line in lines.lines}
    assert {("1B", "binance"), ("1W", "binance"), ("1S", "upbit"), ("HB", "upbit"), ("HW", "upbit")} <= steps
    assert {("1W", "upbit"), ("HW", "binance")} <= steps, "a deposit is asked of the other venue"
    assert ("COMPLETED", NONE) in steps  # the record in the database


async def test_one_trace_leads_from_the_tick_to_the_booking(lab: Lab, reported: Telemetry) -> None:
    before = len(reported.spans)
    cycle = await run(lab)
    spans = reported.spans[before:]
    assert len({ids_of(span).trace_id for span in spans}) == 1
    by_id = {ids_of(span).span_id: span for span in spans}
    roots = [span for span in spans if span.parent is None]
    assert [root.name for root in roots] == ["tick XRP on upbit"]
    assert all(span.parent.span_id in by_id for span in spans if span.parent is not None)
    assert path_of(booking(spans), by_id) == [
        "RunActivity:record",
        "StartActivity:record",
        "RunWorkflow:ArbitrageCycle",
        "StartWorkflow:ArbitrageCycle",
        "tick XRP on upbit",
    ]
    order = next(span for span in spans if span.name == "RunActivity:execute_order")
    assert "leg one's buy" in path_of(order, by_id)
    assert dict(order.attributes or {}).items() >= {"kimp.cycle_id": cycle.cycle_id, "kimp.step": "1B"}.items()


async def test_spans_last_as_long_as_what_they_stand_for(lab: Lab, reported: Telemetry) -> None:
    before = len(reported.spans)
    await run(lab)
    named = {span.name: span for span in reported.spans[before:]}
    assert seconds(named["feeder to initiator"]) >= TRAVEL_MS / 1000
    workflow = named["RunWorkflow:ArbitrageCycle"]
    inside = [seconds(span) for name, span in named.items() if name in {"leg one's buy", "moving XRP", "selling XRP"}]
    assert len(inside) == 3
    assert 0 < sum(inside) < seconds(workflow)


async def test_figures_of_a_cycle_are_counted(lab: Lab, reported: Telemetry) -> None:
    names = ("kimp.cycle.ends", "kimp.tick_to_start", "kimp.orders", "kimp.step.duration")
    before = {name: reported.total(name) for name in names}
    await run(lab)
    after = {name: reported.total(name) for name in names}
    assert after["kimp.cycle.ends"] == before["kimp.cycle.ends"] + 1
    assert after["kimp.tick_to_start"] == before["kimp.tick_to_start"] + 1
    assert after["kimp.orders"] >= before["kimp.orders"] + 3
    assert after["kimp.step.duration"] > before["kimp.step.duration"] + 10
    assert reported.total("kimp.orders", venue="binance", side="buy", outcome="filled") >= 1


def ids_of(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def booking(spans: tuple[ReadableSpan, ...]) -> ReadableSpan:
    """The last one."""
    records = [span for span in spans if span.name == "RunActivity:record"]
    return max(records, key=lambda span: span.start_time or 0)


def path_of(span: ReadableSpan, by_id: Mapping[int, ReadableSpan]) -> list[str]:
    """Names from the span up to the root."""
    path = [span.name]
    while span.parent is not None:
        span = by_id[span.parent.span_id]
        path.append(span.name)
    return path


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9
