"""All invariants (docs/chaos.md), each with its violations; unknown where the evidence could not be read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation, localcontext
from enum import StrEnum
from itertools import chain
from typing import TypeVar

from chaos.auditor.books import Books
from chaos.auditor.breaches import check_breaches
from chaos.auditor.caps import check_caps
from chaos.auditor.conservation import check_conservation, check_inventory
from chaos.auditor.evidence import Evidence, Row, Unread, Violation, violation
from chaos.auditor.leave import check_leave
from chaos.auditor.lives import check_cycles, check_rest
from chaos.auditor.openings import check_openings
from chaos.auditor.openness import Open, open_things
from chaos.auditor.orders import beyond_fence, check_orders
from chaos.auditor.projection import check_projection
from chaos.auditor.results import check_results
from chaos.auditor.venue_truth import VenueTruth
from chaos.auditor.withdrawals import check_withdrawals

WIDE = Context(prec=76, traps=[InvalidOperation])
"""Nothing a venue or a database can hold, nor a product of such, is ever rounded."""
T = TypeVar("T")


class Holds(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    invariant: str
    title: str
    holds: Holds
    violations: tuple[Violation, ...] = ()
    unknown: str = ""
    """Why nobody can tell."""


class _Unknown(Exception):
    pass


def judge(evidence: Evidence) -> list[Verdict]:
    """One verdict for each invariant."""
    with localcontext(WIDE):
        return list(_judge(evidence))


def count_beyond_fence(evidence: Evidence) -> int | None:
    """How often the one exception to I2 occurred; None if unknown."""
    truth, books = _truth(evidence), _books(evidence)
    return None if isinstance(truth, Unread) or isinstance(books, Unread) else len(beyond_fence(truth, books))


def still_open(
    journal: Sequence[Row] | Unread, tables: Mapping[str, Sequence[Row]] | Unread, now_ms: int
) -> list[Open]:
    """What is not over by the venue's log and the tables; the first that can't be read is such a thing too."""
    with localcontext(WIDE):
        truth = journal if isinstance(journal, Unread) else _formed(lambda: VenueTruth.of(journal, Decimal(1)))
        books = tables if isinstance(tables, Unread) else _formed(lambda: Books.of(tables))
        if isinstance(truth, Unread) or isinstance(books, Unread):
            return [Open(source.why, None) for source in (truth, books) if isinstance(source, Unread)]
        return list(open_things(truth, books, now_ms))


def _judge(e: Evidence) -> Iterator[Verdict]:
    truth, books, circumstances = _truth(e), _books(e), e.circumstances
    yield _verdict("I1", "nothing appears, nothing vanishes", lambda: check_conservation(_read(truth), _read(books)))
    yield _verdict("I2", "an order at most once per step", lambda: check_orders(_read(truth), _read(books)))
    yield _verdict(
        "I3",
        "a withdrawal at most once, to the listed place",
        lambda: check_withdrawals(_read(truth), _read(books), circumstances.allowed),
    )
    yield _verdict(
        "I4",
        "no cycle is lost",
        lambda: check_cycles(_read(truth), _read(books), _read(e.workflows), circumstances.terminated),
    )
    yield _verdict("I5", "no inventory without an owner", lambda: check_inventory(_read(truth), _read(books)))
    yield _verdict(
        "I6",
        "read model and ledger follow the histories",
        lambda: chain(
            check_projection(_read(books), _read(e.workflows)), check_results(_read(truth), _read(books), circumstances)
        ),
    )
    yield _verdict(
        "I7",
        "nothing sent without leave",
        lambda: chain(
            check_leave(_read(truth), _read(books), _read(e.workflows), circumstances),
            check_openings(_read(truth), _read(books), _read(e.workflows), circumstances),
            check_breaches(_read(truth), _read(books), circumstances.fee_rates),
            check_caps(_read(books), _read(e.workflows), circumstances),
        ),
    )
    yield _verdict("I8", "every history replays", lambda: _each("a history replays otherwise", e.differences))
    yield _verdict("I9", "no secret leaves", lambda: _each("a planted secret was found", e.leaks))
    yield _verdict(
        "I10",
        "all comes to rest",
        lambda: check_rest(_read(truth), _read(books), _read(e.workflows), circumstances),
    )


def _verdict(invariant: str, title: str, check: Callable[[], Iterable[Violation]]) -> Verdict:
    try:
        violations = tuple(check())
    except _Unknown as why:
        return Verdict(invariant, title, Holds.UNKNOWN, unknown=str(why))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        return Verdict(invariant, title, Holds.UNKNOWN, unknown=f"evidence of another form: {error!r}")
    return Verdict(invariant, title, Holds.NO if violations else Holds.YES, violations)


def _truth(evidence: Evidence) -> VenueTruth | Unread:
    journal = evidence.journal
    if isinstance(journal, Unread):
        return journal
    return _formed(lambda: VenueTruth.of(journal, evidence.circumstances.krw_per_usdt))


def _books(evidence: Evidence) -> Books | Unread:
    tables = evidence.tables
    return tables if isinstance(tables, Unread) else _formed(lambda: Books.of(tables))


def _formed(make: Callable[[], T]) -> T | Unread:
    try:
        return make()
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        return Unread(f"evidence of another form: {error!r}")


def _read(source: T | Unread) -> T:
    if isinstance(source, Unread):
        raise _Unknown(source.why)
    return source


def _each(what: str, found: Sequence[str] | Unread) -> Iterator[Violation]:
    for line in _read(found):
        yield violation(what, found=line)
