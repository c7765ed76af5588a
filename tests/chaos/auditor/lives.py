"""I4: no cycle is lost. I10: once the faults are over, everything comes to rest."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise

from chaos.auditor.books import TERMINAL, Books, Halt
from chaos.auditor.evidence import Circumstances, Row, Violation, Workflow, violation
from chaos.auditor.names import OrderName, cycle_of
from chaos.auditor.openness import open_things
from chaos.auditor.orders import beyond_fence
from chaos.auditor.venue_truth import VenueTruth

STRANDED = "StrandedCycle"
LOOK_TAKES_MS = 60_000
"""From the instant of a look until its outcome is in the database."""
NO_NEW_CYCLES = 1
SEEN_WITHIN_MS = 10_000
"""Initiators read the kill switch every second and take one that they can't read for 5 s for closed."""


def check_cycles(
    truth: VenueTruth, books: Books, workflows: Sequence[Workflow], terminated: Mapping[str, int]
) -> Iterator[Violation]:
    """A row for each workflow that moved money, a workflow for each row; ended well, or visible with a reason."""
    runs = runs_of(workflows)
    begun = _begun(truth, books)
    late = {name.cycle for order in beyond_fence(truth, books) if (name := OrderName.of(order.client_id or ""))}
    for cycle, row in books.cycles.items():
        if cycle not in runs:
            yield violation("a row without a workflow", cycle=cycle, status=row["status"])
        elif runs[cycle][-1].run_id != row["workflow_run_id"]:
            of = runs[cycle][-1].run_id
            yield violation("a row of another run", cycle=cycle, row=row["workflow_run_id"], workflow=of)
    for cycle in sorted((begun | books.reserving) - books.cycles.keys()):
        if cycle not in runs:
            yield violation("money was asked for by a cycle that is nowhere", cycle=cycle)
    for cycle, lives in runs.items():
        yield from _succession(cycle, lives, terminated.get(cycle, 0), late)
        yield from _end(cycle, lives[-1], books, asked_for=cycle in begun | books.reserving)
        if _halted(books.halts, lives[0].started_ms):
            yield violation("a cycle started against the kill switch", cycle=cycle)


def runs_of(workflows: Sequence[Workflow]) -> Mapping[str, Sequence[Workflow]]:
    """Cycle -> its runs, the last one last."""
    runs: dict[str, list[Workflow]] = {}
    for workflow in sorted(workflows, key=lambda workflow: workflow.started_ms):
        runs.setdefault(cycle_of(workflow.workflow_id), []).append(workflow)
    return runs


def _succession(cycle: str, lives: Sequence[Workflow], terminated: int, late: Collection[str]) -> Iterator[Violation]:
    """A cycle begins once. Another run goes on with it if a person ended the one before, or an order surfaced late."""
    ended_by_people = sum(1 for run in lives if run.status == "TERMINATED")
    if ended_by_people > terminated:
        yield violation("terminated, and by no person", cycle=cycle, runs=ended_by_people, by_people=terminated)
    if lives[0].kind == STRANDED:
        yield violation("a cycle was taken over that never began", cycle=cycle)
    for before, after in pairwise(lives):
        facts = {"cycle": cycle, "before": f"{before.run_id} {before.status}", "after": f"{after.run_id} {after.kind}"}
        if after.kind != STRANDED:
            yield violation("a cycle began twice", **facts)
        elif before.status != "TERMINATED" and (before.status != "COMPLETED" or cycle not in late):
            yield violation("taken over, and nothing was wrong with it", **facts)


def _begun(truth: VenueTruth, books: Books) -> set[str]:
    filled = {name.cycle for fill in truth.fills if (name := OrderName.of(fill.client_id or "")) is not None}
    return filled | {intent.cycle_id for intent in books.orders.values()}


def _end(cycle: str, workflow: Workflow, books: Books, *, asked_for: bool) -> Iterator[Violation]:
    row = books.cycles.get(cycle)
    facts = {"cycle": cycle, "workflow": workflow.status, "row": row and row["status"]}
    if workflow.status == "TERMINATED":
        # Right before its end, or before it did anything at all: then there is nothing to take over.
        if cycle in books.reserving or not (books.ended(cycle) or (row is None and not asked_for)):
            yield violation("terminated, and nobody took it over", **facts)
    elif workflow.status == "COMPLETED":
        if not books.ended(cycle):
            yield violation("a workflow ended, and the read model does not say so", **facts)
    elif workflow.status != "RUNNING":
        yield violation("a cycle ended by a failure", **facts)
    elif row is not None and row["status"] in TERMINAL:
        yield violation("the read model says ended, and the workflow runs", **facts)
    elif row is not None and row["status"] == "DEAD_LETTER" and not row["reason"]:
        yield violation("parked without a reason", **facts)
    elif row is not None and row["waiting_reason"] and not row["waiting_since_ms"]:
        yield violation("waiting, nobody knows since when", **facts)


def at_rest(row: Row | None) -> bool:
    """Parked for a person, or waiting with a reason and a next look."""
    if row is None:
        return False
    return row["status"] == "DEAD_LETTER" or bool(row["waiting_reason"] and row["next_check_ms"])


def check_rest(
    truth: VenueTruth, books: Books, workflows: Sequence[Workflow], circumstances: Circumstances
) -> Iterator[Violation]:
    """Ended, parked or visibly waiting, within the time that was given; and what was called ended is."""
    if circumstances.settled_s is None:
        yield violation("not everything came to rest in time", limit_s=circumstances.settle_limit_s)
    elif circumstances.settled_s > circumstances.settle_limit_s:
        yield violation("it took too long", took_s=circumstances.settled_s, limit_s=circumstances.settle_limit_s)
    read_ms = circumstances.read_ms or max((row["updated_ms"] for row in books.cycles.values()), default=0)
    if circumstances.settled_s is not None:
        yield from _over(truth, books, read_ms)
    for workflow in workflows:
        cycle = cycle_of(workflow.workflow_id)
        row = books.cycles.get(cycle)
        if workflow.status != "RUNNING":
            continue
        if not at_rest(row):
            yield violation("a cycle neither ended nor waits", cycle=cycle, row=row and row["status"])
        if row is not None and row["waiting_reason"] and row["status"] != "DEAD_LETTER":
            yield from _next_look(cycle, row, read_ms)
        times = circumstances.decided.get(cycle, 0)
        if row is not None and row["status"] == "DEAD_LETTER" and times > 1:
            yield violation("whatever a person decides, it parks again", cycle=cycle, times=times, reason=row["reason"])


def _over(truth: VenueTruth, books: Books, read_ms: int) -> Iterator[Violation]:
    """All but what open cycles have under way: these may wait, and say so."""
    for still in open_things(truth, books, read_ms):
        if still.cycle_id not in books.open_cycles:
            yield violation("called at rest, and it is not over", what=still.what, cycle=still.cycle_id)


def _next_look(cycle: str, row: Row, read_ms: int) -> Iterator[Violation]:
    """Nobody comes back to a cycle whose next look has passed."""
    next_ms = row["next_check_ms"]
    if next_ms is not None and next_ms < read_ms - LOOK_TAKES_MS:
        yield violation("it waits for a look that has passed", cycle=cycle, next_check_ms=next_ms, read_ms=read_ms)


def _halted(halts: Sequence[Halt], at_ms: int) -> bool:
    """All initiators must have known of it."""
    level = 0
    for halt in halts:
        if halt.from_ms <= at_ms - SEEN_WITHIN_MS:
            level = halt.level
        elif halt.from_ms <= at_ms + SEEN_WITHIN_MS and halt.level < NO_NEW_CYCLES:
            return False
    return level >= NO_NEW_CYCLES
