"""What a backtest comes to, in the figures that people and programs read."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from statistics import median
from typing import Any

from kimp.backtest.cycles import Cycle, Outcome
from kimp.backtest.running import BacktestResult
from kimp.domain.money import ZERO, exact
from kimp.domain.opportunity import Mode

FEW = 5
"""Cycles, of which one coin may well have most."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Of one run. Won and ratios; None where no cycle has a result."""

    mode: Mode
    threshold: Decimal
    notional_krw: Decimal
    first: date
    last: date
    days: int
    instants: int
    rows: int
    candidates: int
    cycles: int
    completed: int
    rejected: int
    unfinished: int
    cycles_a_day: Decimal
    profit_krw: Decimal
    expected_krw: Decimal
    """Of the completed ones, when they were decided on."""
    mean: Decimal | None
    median: Decimal | None
    worst: Decimal | None
    best: Decimal | None
    losing_share: Decimal | None
    losses_in_a_row: int
    drawdown_krw: Decimal
    """The most that profit fell from its highest point."""
    turnover_krw: Decimal
    capital_krw: Decimal
    """Most that was at work at once, stock aside."""
    fees_krw: dict[str, Decimal]
    coins_krw: dict[str, Decimal]
    """What each coin's cycles came to, best first."""
    gates: dict[str, int]
    left_out: dict[str, dict[str, int]]
    """Gate -> coin -> instants at which the coin was left out before anything was decided."""

    def document(self) -> dict[str, Any]:
        return asdict(self)


@exact
def summarised(result: BacktestResult) -> Summary:
    done = [cycle for cycle in result.cycles if cycle.profit_krw is not None]
    edges = sorted(cycle.edge for cycle in done if cycle.edge is not None)
    outcomes = Counter(cycle.outcome for cycle in result.cycles)
    fees: dict[str, Decimal] = {}
    for cycle in result.cycles:
        for kind, krw in cycle.fees_krw.items():
            fees[str(kind)] = fees.get(str(kind), ZERO) + krw
    limits = result.options.limits
    return Summary(
        mode=limits.mode,
        threshold=limits.threshold,
        notional_krw=limits.notional_krw,
        first=result.days[0],
        last=result.days[-1],
        days=len(result.days),
        instants=result.instants,
        rows=result.rows,
        candidates=result.candidates,
        cycles=len(result.cycles),
        completed=outcomes[Outcome.COMPLETED],
        rejected=outcomes[Outcome.REJECTED],
        unfinished=outcomes[Outcome.UNFINISHED],
        cycles_a_day=Decimal(len(result.cycles)) / len(result.days),
        profit_krw=sum((cycle.profit_krw for cycle in done if cycle.profit_krw is not None), ZERO),
        expected_krw=sum((cycle.expected_krw for cycle in done), ZERO),
        mean=sum(edges, ZERO) / len(edges) if edges else None,
        median=median(edges) if edges else None,
        worst=edges[0] if edges else None,
        best=edges[-1] if edges else None,
        losing_share=Decimal(sum(edge < ZERO for edge in edges)) / len(edges) if edges else None,
        losses_in_a_row=result.longest_losses,
        drawdown_krw=_drawdown(equity(result)),
        turnover_krw=result.turnover_krw,
        capital_krw=result.most_at_work_krw,
        fees_krw=fees,
        coins_krw=_by_coin(done),
        gates=dict(result.gates.most_common()),
        left_out={gate: dict(coins.most_common()) for gate, coins in result.left_out.items()},
    )


def _by_coin(done: list[Cycle]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for cycle in done:
        sums[cycle.coin] = sums.get(cycle.coin, ZERO) + (cycle.profit_krw or ZERO)
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def doubtful(summary: Summary) -> str | None:
    """Why the profit may be none, or None: most of it is one coin's, again and again."""
    gained = sum((krw for krw in summary.coins_krw.values() if krw > ZERO), ZERO)
    coin, krw = next(iter(summary.coins_krw.items()), ("", ZERO))
    if krw <= ZERO or krw * 2 < gained or summary.completed < FEW:
        return None
    return (
        f"{krw / gained:.0%} of all gains are {coin}'s. A premium that lasts is mostly a closed wallet, through which"
        " nothing could have been earned; name what was closed (--closures), or leave the coin out (--coins)"
    )


def equity(result: BacktestResult) -> list[tuple[int, Decimal]]:
    """Profit so far, at the end of each cycle."""
    ended = sorted(
        (cycle.ended_ms, cycle.coin, cycle.profit_krw)
        for cycle in result.cycles
        if cycle.ended_ms is not None and cycle.profit_krw is not None
    )
    total, points = ZERO, []
    for at_ms, _, profit in ended:
        total += profit
        points.append((at_ms, total))
    return points


def _drawdown(points: list[tuple[int, Decimal]]) -> Decimal:
    highest = deepest = ZERO
    for _, profit in points:
        highest = max(highest, profit)
        deepest = max(deepest, highest - profit)
    return deepest


def row_of(cycle: Cycle) -> dict[str, Any]:
    """One cycle for programs."""
    found = cycle.plan.found
    return {
        "cycle": f"{cycle.coin}-{cycle.number}",
        "direction": cycle.direction,
        "started_ms": cycle.started_ms,
        "sold_ms": cycle.sold_ms,
        "ended_ms": cycle.ended_ms,
        "outcome": cycle.outcome,
        "expected_edge": found.net_edge,
        "edge": cycle.edge,
        "expected_home_by": found.route.coin,
        "home_by": cycle.route,
        "spent": cycle.spent,
        "returned": cycle.returned,
        "expected_krw": cycle.expected_krw,
        "profit_krw": cycle.profit_krw,
        "fees_krw": {str(kind): krw for kind, krw in cycle.fees_krw.items()},
    }
