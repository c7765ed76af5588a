"""I7, further: what was admitted, replayed from the reservations as they were made and released."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from chaos.auditor.books import TERMINAL, Books, Halt
from chaos.auditor.evidence import Caps, Circumstances, Row, Violation, Workflow, number, violation
from chaos.auditor.lives import runs_of
from chaos.auditor.names import CASH

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
TURN_MS = 5_000
"""How long a transaction may wait for its turn after it has read the time that it writes."""
RATE_MARGIN = Decimal("0.1")
"""How far the rate that a stake was valued at may be from the usual one."""


def check_caps(books: Books, workflows: Sequence[Workflow], circumstances: Circumstances) -> Iterator[Violation]:
    """No stake above an order's cap or other than its cash, and never more at once than the caps allowed."""
    ended = {cycle: _ended_meanwhile(runs) for cycle, runs in runs_of(workflows).items()}
    rows = sorted((row for row in books.reservations or () if "stake_krw" in row), key=lambda row: row["made_ms"])
    for row in rows:
        yield from _stake(row, circumstances)
        if circumstances.caps is not None:
            yield from _at_once(row, rows, circumstances.caps, ended)
    if circumstances.caps is not None:
        yield from _latched(rows, books.halts, circumstances.caps)


def _stake(row: Row, circumstances: Circumstances) -> Iterator[Violation]:
    stake = number(row["stake_krw"])
    facts = {"cycle": row["cycle_id"], "stake_krw": stake}
    if stake > circumstances.order_cap_krw:
        yield violation("a cycle was admitted above the cap", **facts, cap_krw=circumstances.order_cap_krw)
    rate = Decimal(1) if row["asset"] == CASH["upbit"] else circumstances.krw_per_usdt
    worth = number(row["amount"]) * rate
    # A stake is struck out when a cycle sent nothing; a cycle that is taken up again reserves nothing more.
    if stake > 0 and worth > 0 and abs(stake - worth) > worth * RATE_MARGIN:
        yield violation("a stake is not what its reserved cash is worth", **facts, worth_krw=worth)


def _ended_meanwhile(runs: Sequence[Workflow]) -> Sequence[tuple[int, int]]:
    """When the cycle had ended, until a later run took it up again: its reservation is open again then, and tells
    nothing of the time between.
    """
    ends = [
        call.asked["at_ms"]
        for run in runs[:-1]
        for call in run.calls
        if call.activity == "record" and call.done and call.asked["status"] in TERMINAL
    ]
    return [(end, min((run.started_ms for run in runs if run.started_ms >= end), default=end)) for end in ends]


def _at_once(
    row: Row, rows: Sequence[Row], caps: Caps, ended: Mapping[str, Sequence[tuple[int, int]]]
) -> Iterator[Violation]:
    """At the instant that it was made, itself included."""
    at_ms = row["made_ms"]
    so_far = [other for other in rows if other["made_ms"] <= at_ms]
    open_then = [
        r
        for r in so_far
        if (r["released_ms"] is None or r["released_ms"] > at_ms + TURN_MS)
        and not any(end - TURN_MS <= at_ms <= again for end, again in ended.get(r["cycle_id"], ()))
    ]
    of_the_day = [r for r in so_far if r["made_ms"] > at_ms - DAY_MS]
    of_the_minute = [r for r in so_far if r["made_ms"] > at_ms - MINUTE_MS]
    for what, figure, most in (
        ("cycles open at once", Decimal(len(open_then)), Decimal(caps.open_cycles)),
        ("KRW at stake within a day", sum((number(r["stake_krw"]) for r in of_the_day), Decimal(0)), caps.day_krw),
        ("cycles begun within a minute", Decimal(len(of_the_minute)), Decimal(caps.cycles_per_minute)),
    ):
        if figure > most:
            yield violation(f"more {what} than allowed", cycle=row["cycle_id"], figure=figure, allowed=most)


def _latched(rows: Sequence[Row], halts: Sequence[Halt], caps: Caps) -> Iterator[Violation]:
    """Too many losses in a row, or too much lost within a day, since anybody last set the kill switch."""
    for row in rows:
        at_ms = row["made_ms"] - TURN_MS
        since_ms = max((halt.from_ms for halt in halts if halt.from_ms <= row["made_ms"]), default=0)
        ended = [r for r in rows if r["released_ms"] is not None and since_ms < r["released_ms"] <= at_ms]
        results = [
            number(r["result_krw"])
            for r in sorted(ended, key=lambda r: r["released_ms"])
            if r.get("result_krw") is not None
        ]
        in_a_row = next((n for n, result in enumerate(reversed(results)) if result >= 0), len(results))
        if in_a_row >= caps.losses_in_a_row:
            yield violation("admitted after too many losses in a row", cycle=row["cycle_id"], losses=in_a_row)
        lost = -sum(
            number(r["result_krw"])
            for r in ended
            if r.get("result_krw") is not None and r["released_ms"] > at_ms - DAY_MS
        )
        if lost >= caps.day_loss_krw:
            yield violation("admitted after too large a loss within a day", cycle=row["cycle_id"], lost_krw=lost)
