"""Every instrument of kimp, in one place: what there is to watch, with unit and labels.

Recording costs next to nothing until a process exports (`kimp.adapters.telemetry`). Names are OpenTelemetry's; the
Prometheus endpoint writes dots as underscores, adds units, and `_total` to counters. So does a collector's, but it
calls a gauge of unit 1 `_ratio`, and leaves out a unit whose word is in the name: a pure number has no unit here.
"""

from collections.abc import Iterable, Mapping, Sequence

from opentelemetry import metrics
from opentelemetry.metrics import CallbackOptions, Observation

from kimp.contracts.status import TERMINAL
from kimp.domain.gates import Gate
from kimp.domain.venues import PAIR

_meter = metrics.get_meter("kimp")
Labels = Mapping[str, str]

FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)
CALL_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
STEP_S = (0.01, 0.05, 0.1, 0.5, 1, 5, 20, 75, 300, 1_800)
CYCLE_S = (1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400)


class SnapshotGauge:
    """A gauge whose labels come and go: it shows what it was last told, whole, and nothing from before."""

    def __init__(self, name: str, unit: str, description: str) -> None:
        self.name = name
        self._shown: Sequence[tuple[float, Labels]] = ()
        _meter.create_observable_gauge(name, [self._observe], unit=unit, description=description)

    def show(self, *values: tuple[float, Labels]) -> None:
        self._shown = values

    def _observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        return [Observation(value, dict(labels)) for value, labels in self._shown]


# Feeder: quotes in, quotes out.
ticks = _meter.create_counter("kimp.feeder.ticks", description="Quotes received, by venue")
rejected = _meter.create_counter("kimp.feeder.rejected", description="Quotes not believed, by venue and reason")
published = _meter.create_counter("kimp.feeder.published", description="Quotes published")
feeder_failures = _meter.create_counter("kimp.feeder.failures", description="Failures that were survived, by part")
silences = _meter.create_counter("kimp.feeder.silent", description="Symbols silent on a talking venue, by venue")
stream_events = _meter.create_counter(
    "kimp.stream.events", description="Reconnects and dropped frames of the venues' streams, by venue and kind"
)
bus_events = _meter.create_counter("kimp.redis.events", description="Reconnects and bad last values, by kind")

# Initiator: from quotes to cycles.
quote_age = SnapshotGauge("kimp.quote.age", "s", "Age of a venue's newest quote at the initiator")
premiums = SnapshotGauge("kimp.premium", "", "Premium of a coin on Upbit against its KRW-USDT market, as a ratio")
gates = _meter.create_counter("kimp.initiator.gate", description="Candidates stopped, by gate")
starts = _meter.create_counter("kimp.initiator.starts", description="Cycles asked for, by outcome")
tick_to_decision = _meter.create_histogram(
    "kimp.tick_to_decision",
    unit="s",
    description="From the feeder's receipt of a quote to its evaluation",
    explicit_bucket_boundaries_advisory=FAST_S,
)
tick_to_start = _meter.create_histogram(
    "kimp.tick_to_start",
    unit="s",
    description="From the feeder's receipt of a quote to Temporal's answer that the cycle runs",
    explicit_bucket_boundaries_advisory=FAST_S,
)

# Workers: steps of cycles, orders, ends.
steps = _meter.create_histogram(
    "kimp.step.duration",
    unit="s",
    description="One attempt of an activity, by activity, step of the cycle and outcome",
    explicit_bucket_boundaries_advisory=STEP_S,
)
orders = _meter.create_counter("kimp.orders", description="Orders that came to an end, by venue, side and outcome")
breaches = _meter.create_counter("kimp.order.breaches", description="Fills worse than agreed, by venue")
price_refusals = _meter.create_counter(
    "kimp.price.refusals", description="Cycles not opened as the venues' own prices are not the message's, by gate"
)
late_orders = _meter.create_counter("kimp.order.late", description="Orders that surfaced after their fence, by venue")
cycle_ends = _meter.create_counter("kimp.cycle.ends", description="Cycles that ended, by status")
cycle_duration = _meter.create_histogram(
    "kimp.cycle.duration",
    unit="s",
    description="From detection to the end of a cycle, by status",
    explicit_bucket_boundaries_advisory=CYCLE_S,
)

# Every call to a venue.
venue_calls = _meter.create_histogram(
    "kimp.venue.call.duration",
    unit="s",
    description="Calls to a venue, by venue, operation and outcome",
    explicit_bucket_boundaries_advisory=CALL_S,
)
venue_refusals = _meter.create_counter(
    "kimp.venue.refusals", description="Calls without success, by venue and the venue's own code"
)
rows_left_out = _meter.create_counter(
    "kimp.venue.rows_left_out", description="Rows of a venue's answers that can't be read, by venue and list"
)
limiter_waits = _meter.create_histogram(
    "kimp.limiter.wait",
    unit="s",
    description="How long our own limiter held a call back, by venue",
    explicit_bucket_boundaries_advisory=FAST_S,
)

clock_offset = _meter.create_gauge(
    "kimp.clock.offset", unit="s", description="This machine's clock, by how much it is ahead of a venue's"
)

# Keys and configuration.
key_days = _meter.create_gauge("kimp.key.expiry", unit="d", description="Until an API key ends, by venue and right")
refresh_failures = _meter.create_counter(
    "kimp.config.refresh_failures", description="Looks at the secret stores that brought nothing"
)

# By the database: the same from whichever worker of the queue `ops` reads it.
open_cycles = SnapshotGauge("kimp.cycles.open", "", "Cycles that have not ended, by status")
waiting = SnapshotGauge("kimp.cycles.waiting", "", "Cycles that wait, by kind of reason")
waiting_age = SnapshotGauge("kimp.cycle.waiting", "s", "How long the longest of them has waited, by kind of reason")
dead_letters = SnapshotGauge("kimp.cycles.dead_letter", "", "Cycles that wait for a person, by kind of reason")
silent_age = SnapshotGauge(
    "kimp.cycle.silent", "s", "Since the last record of the open cycle that was silent longest, no reason given"
)
unknown_outcomes = SnapshotGauge(
    "kimp.unknown_outcomes", "", "Orders and withdrawals sent or about to be, with no answer after their fence"
)
in_transit = SnapshotGauge(
    "kimp.withdrawals.in_transit", "", "Coins that left a venue and have not arrived, in the coin"
)
unexplained = SnapshotGauge(
    "kimp.ledger.differences", "", "Entries of the last day that book what nobody could explain"
)
halt_level = SnapshotGauge("kimp.halt.level", "", "The kill switch: 0 runs, 3 lets nothing leave")
cap_used = SnapshotGauge("kimp.cap.used", "", "How much of a cap is used, as a ratio, by cap")


def begin_counting() -> None:
    """Show a 0 where a rise, or none, is a reason to alert: Prometheus sees neither in what was never there."""
    for venue in PAIR:
        for counter in (breaches, late_orders, ticks):
            counter.add(0, {"venue": venue})
    for gate in (Gate.PRICES_DIFFER, Gate.RATE_BOUNDS):
        price_refusals.add(0, {"gate": gate})
    starts.add(0, {"outcome": "failed"})
    refresh_failures.add(0)
    for status in TERMINAL:
        cycle_ends.add(0, {"status": status.value})
