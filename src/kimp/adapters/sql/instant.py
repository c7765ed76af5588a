"""What time it is, by the database: the one clock that all machines of kimp share.

What counts by time (caps of a day, cycles a minute, how long ago something was asked) is written and judged by it, so
that a machine whose clock was set wrong changes none of it.
"""

from sqlalchemy import BigInteger, ColumnElement, literal_column

Instant = ColumnElement[int]
"""Epoch milliseconds, as an expression that the database evaluates within the statement that holds it."""

SQLITE: Instant = literal_column("CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)", BigInteger)
MYSQL: Instant = literal_column(
    # By UTC and not UNIX_TIMESTAMP(NOW()): that would read a local time, of which an hour comes twice in autumn.
    "(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(3)) DIV 1000)",
    BigInteger,
)
