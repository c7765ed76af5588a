"""I4: no cycle is lost. I10: once the faults are over, everything comes to rest."""

from collections.abc import Iterator, Sequence

from chaos.auditor.books import TERMINAL, Books, Halt
from chaos.auditor.evidence import Circumstances, Row, Violation, Workflow, violation
from chaos.auditor.names import OrderName, cycle_of
from chaos.auditor.venue_truth import VenueTruth

NO_NEW_CYCLES = 1
SEEN_WITHIN_MS = 10_000
"""Initiators read the kill switch every second and take one that they can't read for 5 s for closed."""


def check_cycles(truth: VenueTruth, books: Books, workflows: Sequence[Workflow]) -> Iterator[Violation]:
    """A row for each workflow that moved money, a workflow for each row; ended well, or visible with a reason."""
    runs = {cycle_of(workflow.workflow_id): workflow for workflow in workflows}
    if len(runs) < len(workflows):
        yield violation("a workflow id ran more than once", workflows=len(workflows), ids=len(runs))
    for cycle, row in books.cycles.items():
        workflow = runs.get(cycle)
        if workflow is None:
            yield violation("a row without a workflow", cycle=cycle, status=row["status"])
        elif workflow.run_id != row["workflow_run_id"]:
            yield violation("a row of another run", cycle=cycle, row=row["workflow_run_id"], workflow=workflow.run_id)
    for cycle in sorted(_begun(truth, books) - books.cycles.keys()):
        if cycle not in runs:
            yield violation("money was asked for by a cycle that is nowhere", cycle=cycle)
    for cycle, workflow in runs.items():
        yield from _end(cycle, workflow, books.cycles.get(cycle))
        if _halted(books.halts, workflow.started_ms):
            yield violation("a cycle started against the kill switch", cycle=cycle)


def _begun(truth: VenueTruth, books: Books) -> set[str]:
    filled = {name.cycle for fill in truth.fills if (name := OrderName.of(fill.client_id or "")) is not None}
    return filled | {intent.cycle_id for intent in books.orders.values()}


def _end(cycle: str, workflow: Workflow, row: Row | None) -> Iterator[Violation]:
    facts = {"cycle": cycle, "workflow": workflow.status, "row": row and row["status"]}
    if workflow.status == "COMPLETED":
        if row is None or row["status"] not in TERMINAL:
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


def check_rest(books: Books, workflows: Sequence[Workflow], circumstances: Circumstances) -> Iterator[Violation]:
    """Ended, parked or visibly waiting, within the time that was given."""
    if circumstances.settled_s is None:
        yield violation("not everything came to rest in time", limit_s=circumstances.settle_limit_s)
    elif circumstances.settled_s > circumstances.settle_limit_s:
        yield violation("it took too long", took_s=circumstances.settled_s, limit_s=circumstances.settle_limit_s)
    for workflow in workflows:
        cycle = cycle_of(workflow.workflow_id)
        row = books.cycles.get(cycle)
        if workflow.status != "RUNNING":
            continue
        if not at_rest(row):
            yield violation("a cycle neither ended nor waits", cycle=cycle, row=row and row["status"])
        times = circumstances.decided.get(cycle, 0)
        if row is not None and row["status"] == "DEAD_LETTER" and times > 1:
            yield violation("whatever a person decides, it parks again", cycle=cycle, times=times, reason=row["reason"])


def _halted(halts: Sequence[Halt], at_ms: int) -> bool:
    """All initiators must have known of it."""
    level = 0
    for halt in halts:
        if halt.from_ms <= at_ms - SEEN_WITHIN_MS:
            level = halt.level
        elif halt.from_ms <= at_ms + SEEN_WITHIN_MS and halt.level < NO_NEW_CYCLES:
            return False
    return level >= NO_NEW_CYCLES
