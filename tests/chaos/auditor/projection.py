"""I6: read model and ledger are what the workflows recorded, folded anew from their histories."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from chaos.auditor.books import Books
from chaos.auditor.evidence import Call, Row, Violation, Workflow, number, optional, violation
from chaos.auditor.names import cycle_of
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
    told: dict[str, tuple[str | None, Mapping[tuple[str, str], Decimal]]] = {}
    pending: set[str] = set()
    for workflow in workflows:
        records = [call for call in workflow.calls if call.activity == "record"]
        yield from _row(cycle_of(workflow.workflow_id), records, books.cycles, running=workflow.status == "RUNNING")
        for record in records:
            told.update(_entries(record.asked))
            if not record.done:
                pending |= _entries(record.asked).keys()
    for entry_id, (cycle, movement) in booked.items():
        if cycle is not None and told.get(entry_id) != (cycle, movement):
            yield violation("an entry that no history recorded so", entry=entry_id)
    for entry_id in told.keys() - booked.keys() - pending:
        yield violation("recorded in a history, not in the ledger", entry=entry_id)


def _row(cycle: str, records: Sequence[Call], rows: Mapping[str, Row], *, running: bool) -> Iterator[Violation]:
    """The record of the highest number; one that nobody answered yet may be there or not."""
    done = max((r.asked for r in records if r.done), key=lambda asked: int(asked["sequence"]), default=None)
    row = rows.get(cycle)
    unanswered = [record.asked for record in records if not record.done]
    expected = [asked for asked in (done, *unanswered) if asked is not None]
    if not expected:
        if row is not None:
            yield violation("a row that no history recorded", cycle=cycle)
        return
    if row is None:
        if done is not None:
            yield violation("recorded in a history, not in the read model", cycle=cycle)
        return
    if not running:
        expected = [asked for asked in expected if asked is done] or expected
    differences = [_differences(asked, row) for asked in expected]
    if all(differences):
        yield violation(
            "the row is not what the history recorded last", cycle=cycle, differences="; ".join(differences[0])
        )


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


def _entries(asked: Row) -> dict[str, tuple[str | None, Mapping[tuple[str, str], Decimal]]]:
    return {
        entry["entry_id"]: (
            entry["cycle_id"],
            total((p["account"], p["asset"], number(p["amount"])) for p in entry["postings"]),
        )
        for entry in asked["entries"]
    }
