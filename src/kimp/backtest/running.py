"""The recorded market replayed: each instant that could matter is decided on, and open cycles go their steps."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from random import Random

import polars as pl

from kimp.backtest.account import BacktestAccount, expected_krw
from kimp.backtest.catalogue import Catalogue
from kimp.backtest.cycles import Cycle, CycleContext, Steps, cycle_steps
from kimp.backtest.kinds import BadData
from kimp.backtest.moments import Instants, Moment, Wait
from kimp.backtest.options import Options
from kimp.backtest.screening import CandidateFilter, likeliest
from kimp.backtest.tape import MarketFrames
from kimp.backtest.venue_rules import rule_book
from kimp.domain.decision import Plan, Question, best_first, decide
from kimp.domain.gates import Blocked
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import start_cash
from kimp.domain.usual_premiums import EVERY_MS, UsualPremiums
from kimp.domain.venues import Direction
from kimp.domain.view import MarketView
from kimp.domain.won import krw_per_usdt

Watch = Callable[[date, pl.DataFrame, pl.DataFrame], None]
"""Is told of each part of a day: its bounds and its candidates."""
Pairing = tuple[Asset, Direction]
NAME_OTHERS = "name others by --coins, or all; `kimp data check` tells which there are"
Rates = dict[str, tuple[float, float]]


@dataclass(slots=True)
class BacktestResult:
    """What came of a backtest."""

    options: Options
    days: list[date]
    cycles: list[Cycle] = field(default_factory=list)
    opportunities: list[tuple[int, Plan]] = field(default_factory=list)
    """What could have been started, and when: also where something else was, or cash lay elsewhere by then."""
    gates: Counter[str] = field(default_factory=Counter)
    """Why candidates were not started, by the first closed gate."""
    left_out: dict[str, Counter[str]] = field(default_factory=dict)
    """Gate -> coin -> instants at which the screen left the coin out already."""
    instants: int = 0
    rows: int = 0
    """Of recorded data."""
    candidates: int = 0
    """That the screen let through."""
    longest_losses: int = 0
    most_at_work_krw: Decimal = Decimal(0)
    turnover_krw: Decimal = Decimal(0)


@dataclass(slots=True)
class _Running:
    cycle: Cycle
    going: Steps
    wait: Wait


class Backtest:
    """One run over some days of a catalogue."""

    def __init__(self, catalogue: Catalogue, options: Options, watch: Watch | None = None) -> None:
        """Raises BadData if there are no such days, or no such coins."""
        self._tape = MarketFrames(catalogue, options)
        self._options = options
        self._watch = watch
        days = self._tape.days()
        samples = self._tape.samples(days)
        if not samples.keys() - {USDT}:
            raise BadData(f"no coin that was asked for has prices of {options.pair.dollars}; {NAME_OTHERS}")
        self._rules = rule_book(options.pair, options.model.fees, samples)
        self._screen = CandidateFilter(options, self._rules)
        self._market = CycleContext(options, tuple(sorted(samples)))
        self.account: BacktestAccount | None = None
        self._running: list[_Running] = []
        self._usual = UsualPremiums(options.pair)
        self._usually: Mapping[Asset, Decimal] | None = None
        """None: not worked out since the last look; most looks are followed by nothing that wants to know."""
        self._before: MarketView | None = None
        """What was known last before the present part of the data."""
        self.result = BacktestResult(options, days)

    def run(self) -> BacktestResult:
        for day in self.result.days:
            self.run_day(day)
        return self.finish()

    def run_day(self, day: date) -> None:
        for rows in self._tape.frames(day):
            bounds = self._screen.bounds(rows)
            candidates = self._screen.candidates(bounds)
            self._count_left_out(bounds)
            if self._watch is not None:
                self._watch(day, bounds, candidates)
            self._go(rows, bounds, candidates)

    def _count_left_out(self, bounds: pl.DataFrame) -> None:
        counts = bounds.drop_nulls("left_out").group_by("left_out", "coin").len().sort("left_out", "coin")
        for gate, coin, count in counts.iter_rows():
            self.result.left_out.setdefault(gate, Counter())[coin] += count

    def finish(self) -> BacktestResult:
        """What is open when the data end stays so."""
        result, account = self.result, self.account
        result.rows = self._tape.rows
        if account is not None:
            result.longest_losses = account.longest_losses
            result.most_at_work_krw = account.most_at_work_krw
            result.turnover_krw = account.turnover_krw
        return result

    def _go(self, rows: pl.DataFrame, bounds: pl.DataFrame, candidates: pl.DataFrame) -> None:
        """Through a part of the data in order of time; of equal times what is under way comes first."""
        instants = self._instants(rows)
        self.result.instants += len(instants.times)
        self.result.candidates += candidates.height
        wanted = _by_instant(candidates)
        looks = _looks(bounds)
        rates = _rates(bounds.join(candidates.select("at_ms").unique(), on="at_ms", how="semi"))
        for now_ms in sorted({*wanted, *looks}):
            self._step_until(now_ms, instants)
            if now_ms in looks and self._usual.remember(looks[now_ms], now_ms):
                self._usually = None
            if now_ms in wanted:
                self._decide(self._moment(instants, now_ms), wanted[now_ms], rates[now_ms])
        self._step_until(instants.times[-1], instants)
        self._before = instants.view(instants.times[-1])

    def _instants(self, rows: pl.DataFrame) -> Instants:
        options = self._options
        return Instants(rows, options.pair, self._rules, options.model, options.closures)

    def _step_until(self, until_ms: int, instants: Instants) -> None:
        while True:
            due = [
                (at_ms, running) for running in self._running if (at_ms := instants.end_of(running.wait)) <= until_ms
            ]
            if not due:
                return
            at_ms, running = min(due, key=lambda one: one[0])
            self._step(running, self._moment(instants, at_ms))

    def _moment(self, instants: Instants, at_ms: int) -> Moment:
        view = instants.view(at_ms, self._before)
        if self._usually is None:
            self._usually = self._usual.known(at_ms)
        view.usual_premiums = self._usually
        return Moment(at_ms, view)

    def _step(self, running: _Running, moment: Moment) -> None:
        try:
            running.wait = running.going.send(moment)
        except StopIteration:
            self._running.remove(running)
            if self.account is not None:
                self.account.end(running.cycle, moment.now_ms)

    def _decide(self, moment: Moment, pairs: list[Pairing], rates: Rates) -> None:
        """Start what pays, the best first; what was begun a moment ago may leave no room for the next one."""
        account = self.account = self.account or _opened(self._options, moment)
        paying = [plan for pair in pairs if (plan := self._judge(moment, pair, rates, account))]
        self.result.opportunities += [(moment.now_ms, plan) for plan in paying]
        paying.sort(key=best_first)
        for place, plan in enumerate(paying):
            pair = plan.found.coin, plan.found.direction
            again = plan if place == 0 else self._judge(moment, pair, rates, account)
            if again is not None:
                self._start(moment, again, account)

    def _judge(self, moment: Moment, pair: Pairing, rates: Rates, account: BacktestAccount) -> Plan | None:
        verdict = self._verdict(moment, pair, rates, account)
        if isinstance(verdict, Blocked):
            self.result.gates[verdict.gate] += 1
            return None
        return verdict

    def _verdict(self, moment: Moment, pair: Pairing, rates: Rates, account: BacktestAccount) -> Plan | Blocked:
        coin, direction = pair
        now_ms, rules = moment.now_ms, self._options.rules
        routes = likeliest(rates, direction.opposite is self._options.pair.directions[0], self._market.at_home(now_ms))
        away_ms = self._market.away.get(coin, 0) if self._market.prefunded else 0
        state = account.state(coin, away_ms, now_ms)
        return decide(
            Question(moment.view, coin, direction, routes, state, account.risk_state(now_ms), rules, now_ms, now_ms)
        )

    def _start(self, moment: Moment, plan: Plan, account: BacktestAccount) -> None:
        coin = plan.found.coin
        cycle = Cycle(account.number(coin), plan, moment.now_ms, expected_krw=expected_krw(plan))
        account.start(cycle)
        self.result.cycles.append(cycle)
        chance = Random(f"{self._options.seed} {coin}-{cycle.number}")  # noqa: S311 - for the same result each time
        going = cycle_steps(cycle, self._market, chance)
        self._running.append(_Running(cycle, going, next(going)))


def _by_instant(candidates: pl.DataFrame) -> dict[int, list[Pairing]]:
    found: dict[int, list[Pairing]] = {}
    for at_ms, coin, direction in candidates.select("at_ms", "coin", "direction").iter_rows():
        found.setdefault(at_ms, []).append((Asset(coin), Direction(direction)))
    return found


def _looks(bounds: pl.DataFrame) -> dict[int, dict[Asset, Decimal]]:
    """Each coin's premium, where it may be time to look at what is usual: once in five minutes is enough."""
    times = bounds.select(pl.col("at_ms").unique().sort())
    first = times.group_by(pl.col("at_ms") // EVERY_MS, maintain_order=True).agg(first=pl.col("at_ms").first())
    found: dict[int, dict[Asset, Decimal]] = {}
    looked = bounds.join(first.select(at_ms="first"), on="at_ms", how="semi")
    for at_ms, coin, value in looked.select("at_ms", "coin", "premium").drop_nulls().iter_rows():
        if coin != USDT:
            found.setdefault(at_ms, {})[Asset(coin)] = Decimal(f"{value:.6f}")
    return found


def _rates(bounds: pl.DataFrame) -> dict[int, Rates]:
    """Out and home of each coin, at each instant."""
    found: dict[int, Rates] = {}
    for at_ms, coin, out, home in bounds.select("at_ms", "coin", "out", "home").iter_rows():
        found.setdefault(at_ms, {})[coin] = (out, home)
    return found


def _opened(options: Options, moment: Moment) -> BacktestAccount:
    """Cash on both venues, worth the same at the first rate."""
    rate = krw_per_usdt(moment.view.quotes, options.pair.won)
    if rate is None:
        raise AssertionError("candidates are told only where there is a rate")
    return BacktestAccount(options.pair, {venue: start_cash(venue, options.cash_krw, rate) for venue in options.pair})
