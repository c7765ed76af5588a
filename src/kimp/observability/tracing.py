"""One trace per cycle: from the quote that caused it to the last entry in the ledger.

Trace ids are made and passed on even where nothing is exported, so that log lines of a cycle can be found by theirs.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind

from kimp.domain.errors import VenueError
from kimp.domain.market import Quote
from kimp.domain.venues import Venue
from kimp.observability import metrics

tracer = trace.get_tracer("kimp")
MS_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Cause:
    """The quote that made an opportunity, and when the initiator took it up."""

    quote: Quote
    taken_ns: int


@contextmanager
def from_tick(cause: Cause, cycle_id: str) -> Iterator[None]:
    """The cycle's root span, which begins where the feeder received the quote, and ends with the block.

    What lay between is told afterwards: no quote that comes to nothing costs a span.
    """
    quote = cause.quote
    received_ns = quote.received_ms * MS_NS
    reported = {"kimp.cycle_id": cycle_id, "kimp.venue": quote.venue, "kimp.coin": quote.coin}
    name = f"tick {quote.coin} on {quote.venue}"
    with tracer.start_as_current_span(name, Context(), SpanKind.CONSUMER, reported, start_time=received_ns):
        tracer.start_span("feeder to initiator", start_time=received_ns).end(cause.taken_ns)
        tracer.start_span("detection", start_time=cause.taken_ns).end()
        yield
        metrics.tick_to_start.record(max(0, time.time_ns() - received_ns) / 1e9)


@contextmanager
def venue_call(venue: Venue, operation: str) -> Iterator[None]:
    """Span and figures of one call: what was asked of whom, what class of answer came, and when. Never its content."""
    began = time.perf_counter()
    outcome = "OK"
    reported = {"kimp.venue": venue, "kimp.operation": operation}
    with tracer.start_as_current_span(
        f"{venue} {operation}", kind=SpanKind.CLIENT, attributes=reported, record_exception=False
    ) as span:
        try:
            yield
        except VenueError as error:
            outcome = type(error).__name__
            metrics.venue_refusals.add(1, {"venue": venue, "code": error.code or outcome})
            raise
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            span.set_attribute("kimp.outcome", outcome)
            seconds = time.perf_counter() - began
            metrics.venue_calls.record(seconds, {"venue": venue, "operation": operation, "outcome": outcome})
