"""The report of a backtest: one file that needs nothing else, neither a network nor a script."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from html import escape

from kimp.backtest import svg
from kimp.backtest.cycles import Cycle
from kimp.backtest.running import BacktestResult
from kimp.backtest.statistics import Summary, doubtful, equity
from kimp.backtest.svg import Mark
from kimp.backtest.sweep import Swept
from kimp.backtest.watching import Watcher

PICTURED = 6
"""Coins whose premiums are drawn: those that were traded most, else those that stray most."""
LISTED = 200
BINS = 24
STYLE = """
:root{color-scheme:light dark;--ink:#1c2330;--dim:#667085;--paper:#fff;--rule:#e3e7ee;--a:#2563eb;--b:#e0862a;
--good:#178a4c;--bad:#c8322b}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--dim:#98a2b3;--paper:#12161d;--rule:#2a313c;--a:#6ea0ff;
--b:#f2a65a;--good:#4cc38a;--bad:#ff7a70}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:900px;margin:2rem auto;
padding:0 1rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2.2rem 0 .4rem}p,td,th{margin:.2rem 0}.dim{color:var(--dim)}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.88rem}
td,th{padding:.15rem .9rem .15rem 0;text-align:right;border-bottom:1px solid var(--rule)}
td:first-child,th:first-child{text-align:left}.good{color:var(--good)}.bad{color:var(--bad)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.8rem;margin:1rem 0}
.figures div{border:1px solid var(--rule);border-radius:8px;padding:.5rem .8rem}
.figures b{display:block;font-size:1.15rem}.wide{overflow-x:auto}
svg{width:100%;height:auto}svg text{font-size:11px;fill:var(--dim)}.grid{stroke:var(--rule)}.zero{stroke:var(--dim)}
.line{fill:none;stroke-width:1.6}.s0{stroke:var(--a)}.s1{stroke:var(--b)}.bar{stroke:none}.bar.s0{fill:var(--a)}
.bar.s1{fill:var(--b)}circle.entry{fill:var(--a);stroke:var(--paper)}circle.won{fill:var(--good);stroke:var(--paper)}
circle.lost{fill:var(--bad);stroke:var(--paper)}
"""


def page(result: BacktestResult, summary: Summary, watcher: Watcher, swept: Swept | None) -> str:
    title = f"kimp backtest, {summary.first} to {summary.last}"
    body = "".join(_sections(result, summary, watcher, swept))
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    page_head = f'<!doctype html><html lang="en"><head>{head}<style>{STYLE}</style></head>'
    return f"{page_head}<body><h1>{title}</h1>{body}</body></html>"


def _sections(result: BacktestResult, summary: Summary, watcher: Watcher, swept: Swept | None) -> Iterator[str]:
    yield _headline(summary)
    yield _figures(summary)
    if doubt := doubtful(summary):
        yield f"<p class=bad>{escape(doubt)}.</p>"
    yield "<h2>Profit so far</h2><p class=dim>Won, at the end of each cycle.</p>"
    yield svg.lines([[(at_ms, float(profit)) for at_ms, profit in equity(result)]], "", steps=True)
    yield "<h2>Premiums, entries and exits</h2><p class=dim>Blue: a cycle starts. Green, red: leg one is sold, and the"
    yield " cycle gained or lost. Premium against KRW-USDT of the same instant, by last prices.</p>"
    for coin in _pictured(result, watcher):
        yield f"<h3>{escape(coin)}</h3>{_premium(coin, result, watcher)}"
    yield "<h2>Expected and realised</h2><p class=dim>Cycles by result over the cash spent, in percent. Blue: expected"
    yield f" when decided on; orange: realised.</p>{_distribution(result.cycles)}"
    yield "<h2>How fast an edge goes</h2><p class=dim>Mean edge of all candidates, minutes after they were seen, in"
    yield f" percent, before network fees and depth.</p>{_decay(watcher)}"
    if swept is not None:
        yield f"<h2>How much it depends on the settings</h2>{_sensitivity(swept)}"
    yield _why_not(summary)
    yield _cycles(result.cycles)
    yield _limits(result, summary)


def _headline(summary: Summary) -> str:
    return (
        f"<p class=dim>{summary.mode} mode, threshold {summary.threshold:.2%}, at most {summary.notional_krw:,.0f} won"
        f" a cycle; {summary.days} days, {summary.instants:,} instants. Past prices promise nothing.</p>"
    )


def _figures(summary: Summary) -> str:
    figures = {
        "profit, won": f"{summary.profit_krw:+,.0f}",
        "expected of the same": f"{summary.expected_krw:+,.0f}",
        "cycles": f"{summary.cycles} ({summary.cycles_a_day:.1f} a day)",
        "mean / median": f"{_ratio(summary.mean)} / {_ratio(summary.median)}",
        "worst / best": f"{_ratio(summary.worst)} / {_ratio(summary.best)}",
        "losing": "-" if summary.losing_share is None else f"{summary.losing_share:.0%}",
        "drawdown, won": f"{summary.drawdown_krw:,.0f}",
        "turnover, won": f"{summary.turnover_krw:,.0f}",
        "at work at once, won": f"{summary.capital_krw:,.0f}",
        **{f"fees {kind}, won": f"{krw:,.0f}" for kind, krw in summary.fees_krw.items()},
    }
    boxes = "".join(f"<div><span class=dim>{escape(name)}</span><b>{text}</b></div>" for name, text in figures.items())
    return f"<div class=figures>{boxes}</div>"


def _pictured(result: BacktestResult, watcher: Watcher) -> list[str]:
    traded = [str(coin) for coin, _ in Counter(cycle.coin for cycle in result.cycles).most_common(PICTURED)]
    straying = sorted(watcher.premiums, key=lambda coin: -max(map(abs, watcher.premiums[coin].values())))
    return (traded + [coin for coin in straying if coin not in traded])[: max(1, len(traded))]


def _premium(coin: str, result: BacktestResult, watcher: Watcher) -> str:
    points = sorted((float(at_ms), 100 * premium) for at_ms, premium in watcher.premiums.get(coin, {}).items())
    marks = []
    for cycle in result.cycles:
        if cycle.coin != coin:
            continue
        name, entry = f"{coin}-{cycle.number}", 100 * float(cycle.plan.found.premium)
        marks.append(Mark(cycle.started_ms, entry, "entry", f"{name}: {_ratio(cycle.plan.found.net_edge)} expected"))
        if cycle.sold_ms is not None and cycle.edge is not None:
            at = _near(points, cycle.sold_ms, entry)
            marks.append(Mark(cycle.sold_ms, at, "won" if cycle.edge >= 0 else "lost", f"{name}: {_ratio(cycle.edge)}"))
    return svg.lines([points], " %", marks)


def _near(points: Sequence[tuple[float, float]], at_ms: int, otherwise: float) -> float:
    return min(points, key=lambda point: abs(point[0] - at_ms), default=(0.0, otherwise))[1]


def _distribution(cycles: Sequence[Cycle]) -> str:
    pairs = [(100 * float(c.plan.found.net_edge), 100 * float(c.edge)) for c in cycles if c.edge is not None]
    if not pairs:
        return "<p>no cycle has a result</p>"
    low, high = min(map(min, pairs)), max(map(max, pairs))
    width = (high - low) / BINS or 1.0
    counts = [[0.0, 0.0] for _ in range(BINS)]
    for pair in pairs:
        for number, value in enumerate(pair):
            counts[min(BINS - 1, int((value - low) / width))][number] += 1
    names = [f"{low + (place + 0.5) * width:+.1f}" if place % 3 == 0 else "" for place in range(BINS)]
    return svg.bars(list(zip(names, counts, strict=True)), "")


def _decay(watcher: Watcher) -> str:
    stages = [watcher.at_once, *(stage for stage in watcher.decay if stage.seen)]
    picture = svg.bars([(f"{stage.minutes} min", [100 * stage.mean]) for stage in stages if stage.seen], " %")
    rows = "".join(
        f"<tr><td>{stage.minutes} min</td><td>{stage.seen:,}</td><td>{stage.mean:+.2%}</td>"
        f"<td>{stage.kept / stage.seen:.0%}</td><td>{stage.below_zero / stage.seen:.0%}</td></tr>"
        for stage in stages
        if stage.seen
    )
    head = "<tr><th>after</th><th>seen</th><th>mean edge</th><th>still at the threshold</th><th>below zero</th></tr>"
    return f"{picture}<table>{head}{rows}</table>"


def _sensitivity(swept: Swept) -> str:
    def named(chosen: Mapping[str, Decimal]) -> str:
        return ", ".join(f"{name} {float(value):g}" for name, value in chosen.items())

    picture = svg.bars([(named(chosen), [float(one.profit_krw)]) for chosen, one in swept.runs], "")
    rows = "".join(
        f"<tr><td>{named(chosen)}</td><td>{one.cycles}</td><td>{one.profit_krw:+,.0f}</td><td>{_ratio(one.mean)}</td>"
        f"<td>{_ratio(one.median)}</td><td>{_ratio(one.worst)}</td>"
        f"<td>{'-' if one.losing_share is None else f'{one.losing_share:.0%}'}</td></tr>"
        for chosen, one in swept.runs
    )
    head = "<tr><th></th>" + "".join(
        f"<th>{name}</th>" for name in ("cycles", "profit, won", "mean", "median", "worst", "losing")
    )
    forward = "".join(
        f"<p>Best of {fold.tuned_on[0]} to {fold.tuned_on[1]}: {named(fold.chosen)} ({fold.tuned_krw:+,.0f} won). On"
        f" {fold.judged_on[0]} to {fold.judged_on[1]}, which it had not seen: {fold.judged_krw:+,.0f} won.</p>"
        for fold in swept.forward
    )
    return f"{picture}<table>{head}</tr>{rows}</table>{forward}"


def _why_not(summary: Summary) -> str:
    rows = "".join(f"<tr><td>{escape(gate)}</td><td>{count:,}</td></tr>" for gate, count in summary.gates.items())
    left_out = "".join(
        f"<p>Left out by {escape(gate)}: {escape(', '.join(coins))}.</p>" for gate, coins in summary.left_out.items()
    )
    table = f"<table><tr><th>first closed gate</th><th>times</th></tr>{rows}</table>" if rows else ""
    return f"<h2>Why not more</h2>{table}{left_out}" if table or left_out else ""


def _cycles(cycles: Sequence[Cycle]) -> str:
    rows = "".join(_cycle(cycle) for cycle in cycles[:LISTED])
    head = "".join(
        f"<th>{name}</th>" for name in ("cycle", "started (UTC)", "way", "home by", "expected", "realised", "won", "")
    )
    more = f"<p class=dim>The first {LISTED} of {len(cycles)}.</p>" if len(cycles) > LISTED else ""
    return f"<h2>Cycles</h2>{more}<div class=wide><table><tr>{head}</tr>{rows}</table></div>"


def _cycle(cycle: Cycle) -> str:
    started = f"{datetime.fromtimestamp(cycle.started_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    profit = "-" if cycle.profit_krw is None else f"{cycle.profit_krw:+,.0f}"
    colour = "" if cycle.profit_krw is None else ("good" if cycle.profit_krw >= 0 else "bad")
    cells = (
        f"{cycle.coin}-{cycle.number}", started, f"{cycle.direction.source} to {cycle.direction.destination}",
        cycle.route or "-", _ratio(cycle.plan.found.net_edge), _ratio(cycle.edge),
    )  # fmt: skip
    texts = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr>{texts}<td class="{colour}">{profit}</td><td>{cycle.outcome}</td></tr>'


def _limits(result: BacktestResult, summary: Summary) -> str:
    model = result.options.model
    spread = model.shape.half_spread
    made = f"bid and ask at least {spread:%} away and on the venue's ticks, levels by what the coin turns over"
    reported = [
        f"Books are made around last prices unless books were recorded: {made}. {summary.rows:,} rows were read.",
        "Travel times are drawn from a table of chains; Binance's lots and network fees of rarer coins are assumed.",
    ]
    if model.stand_in:
        reported.append(
            "Where KRW-USDT is not recorded, the median over coins of won / dollars stands in for it, which hides every"
            " premium that all coins share."
        )
    return f"<h2>What this does not know</h2>{''.join(f'<p>{escape(one)}</p>' for one in reported)}"


def _ratio(value: Decimal | None) -> str:
    return "-" if value is None else f"{value:+.2%}"
