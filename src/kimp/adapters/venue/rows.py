"""Lists of a venue's answers, row by row: one that can't be read is left out and named, and the others hold."""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from kimp.adapters.venue.shape import shaped
from kimp.domain.errors import BadMessage
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.observability import metrics
from kimp.ports.exchange import Balance, Balances

T = TypeVar("T")

log = logging.getLogger(__name__)
_reported: set[tuple[Venue, str, str, str]] = set()
MANY = 1_000
"""Different ones that are remembered, so that a row that stays bad is logged once."""


def readable(content: Any, read: Callable[[Any], T], *, venue: Venue, what: str, name: str) -> list[T]:
    """What `read` makes of each row; `name` is the field that a row is known by.

    Raises BadMessage for what is no list, and for one of which nothing can be read: that is another form, not a row.
    """
    found: list[T] = []
    bad: list[tuple[str, BadMessage]] = []
    for row in shaped(content, list[Any], what):
        try:
            found.append(read(row))
        except BadMessage as garbage:
            bad.append((str(row.get(name)) if isinstance(row, dict) else "a row", garbage))
    if bad and not found:
        raise bad[0][1]
    for known, why in bad:
        report_left_out(venue, what, known, str(why))
    return found


def read_balances(content: Any, read: Callable[[Any], Balance], *, venue: Venue, name: str) -> Balances:
    """A coin whose row can't be read is unreadable, which is not the same as none of it.

    Raises BadMessage like `readable`, and for a bad row that does not say whose it is.
    """
    known: dict[Asset, Balance] = {}
    bad: dict[Asset, BadMessage] = {}
    for row in shaped(content, list[Any], "balances"):
        coin = row.get(name) if isinstance(row, dict) else None
        try:
            balance = read(row)
        except BadMessage as garbage:
            if not isinstance(coin, str):
                raise
            bad[Asset(coin)] = garbage
        else:
            known[Asset(str(coin))] = balance
    if bad and not known:
        raise next(iter(bad.values()))
    for asset, why in bad.items():
        report_left_out(venue, "balances", asset, str(why))
    return Balances(known, bad)


def read_or_leave_out(venue: Venue, what: str, name: str, read: Callable[[], T]) -> T | None:
    """None for what can't be read, or can't be true, which is reported."""
    try:
        return read()
    except BadMessage as garbage:
        report_left_out(venue, what, name, str(garbage))
        return None


def report_left_out(venue: Venue, what: str, name: str, why: str) -> None:
    """Say once what is missing from here on, and count it each time."""
    metrics.rows_left_out.add(1, {"venue": venue, "list": what})
    sign = (venue, what, name, why)
    if sign in _reported:
        return
    if len(_reported) >= MANY:
        _reported.clear()
    _reported.add(sign)
    log.warning("%s, %s: %s is left out, kimp goes on without it: %s", venue, what, name, why)
