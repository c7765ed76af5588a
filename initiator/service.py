"""The initiator: quotes in, at most one cycle out per opportunity."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from initiator.gauges import newest_age_s, show_market
from initiator.known_cycles import KnownCycles
from initiator.plan import cycle_input
from initiator.scanner import Candidate, Scanner
from kimp.contracts.cycle import CycleInput, CyclePolicy
from kimp.contracts.ticks import decode_batch
from kimp.domain.admission import HaltLevel
from kimp.domain.caps import check_latches
from kimp.domain.decision import Plan, Question, Rules, best_first, decide
from kimp.domain.errors import BadMessage, KimpError
from kimp.domain.gates import Blocked
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import Pair
from kimp.observability import metrics
from kimp.observability.context import bound
from kimp.observability.crash_points import crash_point
from kimp.observability.tracing import Cause, from_tick
from kimp.ports.clock import SteadyClock
from kimp.ports.controls import Capital, Controls
from kimp.ports.read_model import CoinStates
from kimp.ports.starter import CycleStarter, StartOutcome
from kimp.ports.ticks import TickBus

KNOWLEDGE_EVERY_S = 1.0
RULES_EVERY_S = 2.0
SETTINGS_EVERY_S = 1.0
RULES_TRUST_MS = 90_000
"""Older rules count as none: a wallet may have been closed since."""
REPORT_EVERY_S = 10.0
SHOW_EVERY_S = 2.0
LONGEST_LINE = 300
STALE_S = 10.0
"""A venue that is silent for longer makes the initiator unready: it decides nothing."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InitiatorSettings:
    """What to look for and how much of it to do."""

    pair: Pair
    """Where to look for it."""
    coins: tuple[Asset, ...]
    rules: Rules
    policy: CyclePolicy
    start_within_ms: int
    installation: str
    """The database's own id: the names of its orders end with it."""


class Initiator:
    """Keeps the books' tops and what is known of running cycles; decides on each quote."""

    def __init__(
        self,
        bus: TickBus,
        starter: CycleStarter,
        coin_states: CoinStates,
        controls: Controls,
        capital: Capital,
        clock: SteadyClock,
        settings: InitiatorSettings,
        latest_settings: Callable[[], Awaitable[InitiatorSettings]],
    ) -> None:
        """`latest_settings`: as people have changed them since."""
        self._bus = bus
        self._starter = starter
        self._coin_states = coin_states
        self._controls = controls
        self._capital = capital
        self._clock = clock
        self._settings = settings
        self._latest_settings = latest_settings
        self._scanner = Scanner(settings.pair, settings.coins, settings.rules.limits.threshold)
        self._known = KnownCycles()
        self._starting: dict[Asset, CycleInput] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.counts: Counter[str] = Counter()
        self._refused: set[str] = set()

    async def run(self) -> None:
        """Until cancelled. Failures of Redis, Temporal and the database are logged, counted and outlived."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._consume())
            group.create_task(self._repeat(self._read_knowledge, KNOWLEDGE_EVERY_S))
            group.create_task(self._repeat(self._read_rules, RULES_EVERY_S))
            group.create_task(self._repeat(self._read_settings, SETTINGS_EVERY_S))
            group.create_task(self._repeat(self._report, REPORT_EVERY_S))
            group.create_task(self._repeat(self._show, SHOW_EVERY_S))

    async def _consume(self) -> None:
        async for message in self._bus.batches():
            try:
                self.take(decode_batch(message))
            except BadMessage as error:
                self._refuse("bad_message", f"{error}")
            except Exception as fault:  # noqa: BLE001 - whatever one message does: the next one is another's
                self._refuse("failed_message", f"a message of {len(message)} bytes: {type(fault).__name__}: {fault}")
            # A burst must not keep the other tasks, and the starts among them, from running.
            await asyncio.sleep(0)

    def _refuse(self, kind: str, detail: str) -> None:
        """Counted each time, told the first time: who can write one such message can write a thousand a second."""
        self.counts[kind] += 1
        metrics.bus_events.add(1, {"kind": kind})
        if kind not in self._refused:
            self._refused.add(kind)
            log.warning("%s: %s", kind, detail[:LONGEST_LINE])

    def take(self, quotes: list[Quote]) -> None:
        """Feed the quotes, then judge each candidate that they made once."""
        candidates: dict[Candidate, Quote] = {}
        # By this clock such a quote would hide all later ones of its book until its time has come.
        latest_ms = self._clock.now_ms() + self._settings.rules.limits.max_quote_age_ms
        for quote in quotes:
            if quote.received_ms > latest_ms:
                ahead_s = (quote.received_ms - latest_ms) / 1000
                self._refuse("future_quote", f"{quote.coin} on {quote.venue} is {ahead_s:.0f} s too far ahead")
                continue
            candidates.update(dict.fromkeys(self._scanner.feed(quote), quote))
        self.counts["quotes"] += len(quotes)
        if not candidates:
            return
        now = self._clock.now_ms()
        taken_ns = time.time_ns()
        metrics.tick_to_decision.record(max(0, now - quotes[-1].received_ms) / 1000)
        paying = [(plan, quote) for candidate, quote in candidates.items() if (plan := self._judge(candidate, now))]
        for number, (plan, quote) in enumerate(sorted(paying, key=lambda one: best_first(one[0]))):
            # What was begun a moment ago may leave no room for the next one.
            again = plan if number == 0 else self._judge((plan.found.coin, plan.found.direction), now)
            if again is not None:
                self._begin(again, Cause(quote, taken_ns))

    def _judge(self, candidate: Candidate, now_ms: int) -> Plan | None:
        coin, direction = candidate
        if coin in self._starting:
            return None
        state, at_ms = self._known.state(coin), self._clock.steady_ms()
        starting = {(coin, started.direction) for coin, started in self._starting.items()}
        risk, database_ms = self._known.risk_state(at_ms, starting), self._known.database_ms(at_ms)
        routes, rules = self._scanner.route_coins(direction.opposite), self._settings.rules
        verdict = decide(Question(self._scanner.view, coin, direction, routes, state, risk, rules, now_ms, database_ms))
        if isinstance(verdict, Blocked):
            self.counts[verdict.gate] += 1
            metrics.gates.add(1, {"gate": verdict.gate})
            return None
        return verdict

    def _begin(self, plan: Plan, cause: Cause) -> None:
        settings, coin = self._settings, plan.found.coin
        number = self._known.state(coin).last_number + 1
        at_ms = self._clock.steady_ms()
        cycle = cycle_input(
            plan,
            number,
            settings.policy,
            self._known.database_ms(at_ms),
            settings.start_within_ms,
            settings.installation,
            self._known.resting(at_ms),
        )
        self._starting[coin] = cycle
        task = asyncio.create_task(self._start(cycle, number, cause))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _start(self, cycle: CycleInput, number: int, cause: Cause) -> None:
        venues = f"{cycle.direction.source}>{cycle.direction.destination}"
        try:
            with (
                bound(cycle_id=cycle.cycle_id, step="start", attempt="1", venue=venues),
                from_tick(cause, cycle.cycle_id),
            ):
                await self._ask_for(cycle, number)
        finally:
            del self._starting[cycle.coin]

    async def _ask_for(self, cycle: CycleInput, number: int) -> None:
        try:
            crash_point("start-asked", cycle.direction)
            outcome = await self._starter.start(cycle)
            crash_point("start-answered", cycle.direction)
        except KimpError as error:
            self.counts["start_failed"] += 1
            metrics.starts.add(1, {"outcome": "failed"})
            log.warning("%s", error)
            return
        self._known.learn(cycle.coin, number, cycle.direction, outcome, self._clock.steady_ms())
        self.counts[outcome] += 1
        metrics.starts.add(1, {"outcome": outcome})
        if outcome is StartOutcome.STARTED:
            log.info("%s started, %s expected %+.3f %%", cycle.cycle_id, cycle.direction, cycle.expected_edge * 100)

    async def _read_knowledge(self) -> None:
        states = await self._coin_states.coin_states()
        halt = await self._controls.halt_level()
        stakes = await self._capital.stakes()
        self._known.refresh(states, halt, stakes, self._clock.steady_ms())
        latched = check_latches(self._settings.rules.caps, stakes.exposure)
        if latched is not None and halt < HaltLevel.NO_NEW_CYCLES:
            await self._controls.halt_at_least(HaltLevel.NO_NEW_CYCLES, f"{latched.gate}: {latched.detail}")

    async def _read_rules(self) -> None:
        now = self._clock.now_ms()
        rules = await self._bus.latest_rules()
        # Of the past, by this clock, and not of the future either, in which they would be trusted for ever.
        self._scanner.apply_rules(reading for reading in rules if abs(now - reading.read_ms) <= RULES_TRUST_MS)
        self._scanner.view.usual_premiums = await self._bus.usual_premiums()
        self._scanner.forget_after(now + self._settings.rules.limits.max_quote_age_ms)
        # Late joiners start from the last values; what the channel brought since is newer and stays.
        self.take(await self._bus.latest(self._settings.coins))

    async def _read_settings(self) -> None:
        """While they can't be read, those in force stay; what a cycle was started with is its own to its end."""
        fresh = await self._latest_settings()
        if fresh == self._settings:
            return
        self._settings = fresh
        # Begin anew, as a late joiner does: other coins to look at, another hurdle.
        self._scanner = Scanner(fresh.pair, fresh.coins, fresh.rules.limits.threshold)
        version = fresh.policy.settings_version
        log.info("trading settings: %s", "the configuration" if version is None else f"version {version}")
        await self._read_rules()

    async def stale(self) -> str | None:
        """Which venue is not heard of or has no rules, for whoever asks whether this initiator can decide."""
        now = self._clock.now_ms()
        ages = {venue: newest_age_s(self._scanner.view, venue, now) for venue in self._settings.pair}
        late = [venue for venue, age in ages.items() if age is None or abs(age) > STALE_S]
        if late:
            return f"no quotes of {' and '.join(late)} for {STALE_S:.0f} s"
        known = {venue for venue, _ in self._scanner.view.instruments}
        unruled = [venue for venue in self._settings.pair if venue not in known]
        return f"no rules of {' and '.join(unruled)}" if unruled else None

    async def _show(self) -> None:
        show_market(self._scanner.view, self._settings.pair, self._settings.coins, self._clock.now_ms())

    async def _report(self) -> None:
        counts, self.counts = self.counts, Counter()
        log.info(
            "last %d s: %s", REPORT_EVERY_S, ", ".join(f"{n} {name}" for name, n in counts.most_common()) or "idle"
        )

    async def _repeat(self, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        while True:
            try:
                await work()
            except KimpError as error:
                self.counts["read_failed"] += 1
                log.warning("%s", error)
            except Exception as fault:  # noqa: BLE001 - what one reading does, the next one may not
                self._refuse("failed_reading", f"{type(fault).__name__}: {fault}")
            await asyncio.sleep(every_s)
