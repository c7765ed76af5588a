"""I6: read model and ledger are what the workflows recorded, folded anew from their histories."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from chaos.auditor.books import Books
from chaos.auditor.evidence import Call, Row, Violation, Workflow, number, optional, violation
from chaos.auditor.lives import runs_of
from chaos.auditor.venue_truth import total

SAME = (
    "status",
    "sequence",
    "waiting_reason",
    "waiting_since_ms",
    "next_check_ms",
    "reason",
    "route",
    "coin",
    "direction",
    "workflow_run_id",
)
"""Fields that the row and the record call by the same name."""
PLACES = Decimal("1e-18")
"""To which the database rounds what is only an estimate."""


def check_projection(books: Books, workflows: Sequence[Workflow]) -> Iterator[Violation]:
    booked = {entry.entry_id: (entry.cycle_id, entry.movement()) for entry in books.entries}
    reported: dict[str, tuple[str | None, Mapping[tuple[str, str], Decimal]]] = {}
    pending: set[str] = set()
    for workflow in workflows:
        reported.update(_entries(workflow.brought))
        for record in _records(workflow):
            reported.update(_entries(record.asked["entries"]))
            if not record.done:
                pending |= _entries(record.asked["entries"]).keys()
    for cycle, runs in runs_of(workflows).items():
        yield from _row(cycle, runs, books.cycles.get(cycle))
    for entry_id, (owner, movement) in booked.items():
        intent = books.orders.get(entry_id.partition("/")[0])
        if intent is not None and intent.surfaced:
            continue  # the sweep is no cycle; I1 compares what it booked with the venue's fills
        if owner is not None and reported.get(entry_id) != (owner, movement):
            yield violation("an entry that no history recorded so", entry=entry_id)
    for entry_id in reported.keys() - booked.keys() - pending:
        yield violation("recorded in a history, not in the ledger", entry=entry_id)


def _records(workflow: Workflow) -> list[Call]:
    return [call for call in workflow.calls if call.activity == "record"]


def _row(cycle: str, runs: Sequence[Workflow], row: Row | None) -> Iterator[Violation]:
    """The record of the highest number of the last run; one that nobody answered yet may be there or not."""
    expected, certain = _expected(runs)
    if not expected:
        if row is not None:
            yield violation("a row that no history recorded", cycle=cycle)
        return
    if row is None:
        if certain:
            yield violation("recorded in a history, not in the read model", cycle=cycle)
        return
    differences = [_differences(asked, row) for asked in expected]
    if all(differences):
        yield violation(
            "the row is not what the history recorded last", cycle=cycle, differences="; ".join(differences[0])
        )


def _expected(runs: Sequence[Workflow]) -> tuple[list[Row], bool]:
    """What the row may say, and whether there must be one: a run's word holds until the next one has spoken."""
    expected: list[Row] = []
    for run in reversed(runs):
        records = _records(run)
        done = max((r.asked for r in records if r.done), key=lambda asked: int(asked["sequence"]), default=None)
        if run.status != "COMPLETED":
            expected += [record.asked for record in records if not record.done]
        if done is not None:
            return [done, *expected], True
    return expected, False


def _differences(asked: Row, row: Row) -> list[str]:
    wanted: dict[str, Any] = {name: asked[name] for name in SAME}
    wanted |= {"started_ms": asked["detected_at_ms"], "updated_ms": asked["at_ms"]}
    found = {name: row[name] for name in wanted}
    for name in ("spent", "returned"):
        wanted[name] = optional(asked[name] and asked[name]["amount"])
        found[name] = optional(row[name])
    wanted["profit_krw"], found["profit_krw"] = _rounded(asked["profit_krw"]), _rounded(row["profit_krw"])
    return [f"{name} {found[name]} for {value}" for name, value in wanted.items() if found[name] != value]


def _rounded(value: object) -> Decimal | None:
    return None if value is None else number(value).quantize(PLACES)


def _entries(entries: Iterable[Row]) -> dict[str, tuple[str | None, Mapping[tuple[str, str], Decimal]]]:
    return {
        entry["entry_id"]: (
            entry["cycle_id"],
            total((p["account"], p["asset"], number(p["amount"])) for p in entry["postings"]),
        )
        for entry in entries
    }
