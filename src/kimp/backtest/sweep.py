"""Many runs over the same data on all cores, and whether a tuned value holds on days that it has not seen."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise, product
from multiprocessing import get_context

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.options import Options, with_room
from kimp.backtest.running import Backtest
from kimp.backtest.statistics import Summary, summarised
from kimp.backtest.tape import MarketFrames

SWEPT = {
    "threshold": "threshold",
    "notional": "notional_krw",
    "band": "premium_band",
    "tick_share": "tick_share",
    "turnover": "least_turnover_krw",
}
"""Names on the command line -> fields of the limits."""
FOLDS = 4
"""The days are cut into so many parts: what is best on all parts so far is judged on the next one."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One step of a walk forward."""

    chosen: Mapping[str, Decimal]
    tuned_on: tuple[date, date]
    tuned_krw: Decimal
    judged_on: tuple[date, date]
    judged_krw: Decimal
    cycles: int
    """On the days that it was judged on."""


@dataclass(frozen=True, slots=True)
class Swept:
    runs: list[tuple[Mapping[str, Decimal], Summary]]
    forward: list[Fold]


def sweep(catalogue: Catalogue, options: Options, values: Mapping[str, Sequence[Decimal]]) -> Swept:
    """Every combination on all days, then the walk forward, if there are days enough."""
    settings = [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]
    days = MarketFrames(catalogue, options).days()
    parts = _parts(days)
    jobs = [(catalogue, _with(options, one, days[0], days[-1])) for one in settings]
    jobs += [(catalogue, _with(options, one, part[0], part[-1])) for part in parts for one in settings]
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        summaries = list(pool.map(_run, jobs))
    whole, by_part = summaries[: len(settings)], summaries[len(settings) :]
    grid = [by_part[place : place + len(settings)] for place in range(0, len(by_part), len(settings))]
    return Swept(list(zip(settings, whole, strict=True)), _forward(settings, parts, grid))


def _run(job: tuple[Catalogue, Options]) -> Summary:
    return summarised(Backtest(*job).run())


def _with(options: Options, chosen: Mapping[str, Decimal], first: date, last: date) -> Options:
    fields = {SWEPT[name]: value for name, value in chosen.items()}
    limits = replace(options.limits, **fields)  # type: ignore[arg-type]
    caps = with_room(options.rules.caps, max(limits.notional_krw, options.limits.notional_krw))
    cash_krw = options.cash_krw * max(Decimal(1), limits.notional_krw / options.limits.notional_krw)
    rules = replace(options.rules, limits=limits, caps=caps)
    return replace(options, rules=rules, cash_krw=cash_krw, first=first, last=last)


def _parts(days: Sequence[date]) -> list[Sequence[date]]:
    """As even as possible; none where there are too few days."""
    if len(days) < FOLDS:
        return []
    cuts = [len(days) * number // FOLDS for number in range(FOLDS + 1)]
    return [days[start:end] for start, end in pairwise(cuts)]


def _forward(
    settings: Sequence[Mapping[str, Decimal]], parts: Sequence[Sequence[date]], grid: Sequence[Sequence[Summary]]
) -> list[Fold]:
    folds = []
    for number in range(1, len(parts)):
        seen = [sum((part[place].profit_krw for part in grid[:number]), Decimal(0)) for place in range(len(settings))]
        best = max(range(len(settings)), key=lambda place: (seen[place], -place))
        judged = grid[number][best]
        folds.append(
            Fold(
                settings[best],
                (parts[0][0], parts[number - 1][-1]),
                seen[best],
                (parts[number][0], parts[number][-1]),
                judged.profit_krw,
                judged.cycles,
            )
        )
    return folds
