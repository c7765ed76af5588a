"""Whose work this is: fields that every log line and span of a cycle carries, bound where the work begins."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar

NONE = "-"
"""Of a field that does not apply: a record in the database concerns no venue."""
CYCLE_FIELDS = ("cycle_id", "step", "attempt", "venue")
_bound: ContextVar[Mapping[str, str]] = ContextVar("kimp_fields")


def fields() -> Mapping[str, str]:
    """What is bound here; empty outside of any cycle."""
    return _bound.get({})


@contextmanager
def bound(**more: str) -> Iterator[None]:
    """Bind these besides what is bound already, for this task and those that it starts."""
    token = _bound.set({**fields(), **more})
    try:
        yield
    finally:
        # A workflow that is evicted in here is finalised in whatever context the garbage collector runs in.
        with suppress(ValueError):
            _bound.reset(token)
