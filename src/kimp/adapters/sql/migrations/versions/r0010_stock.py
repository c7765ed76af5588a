"""Coins that no cycle counts on, and those that are set aside for pairs of orders."""

from collections import defaultdict
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import AMOUNT, CODE, ID, OPTIONS

revision = "0010"
down_revision = "0009"

CASH = {"upbit": "KRW", "binance": "USDT"}


def upgrade() -> None:
    """What open cycles have moved so far is free once they end, as with cash."""
    op.create_table(
        "stock",
        sa.Column("venue", CODE, primary_key=True),
        sa.Column("coin", CODE, primary_key=True),
        sa.Column("free", AMOUNT, nullable=False),
        **OPTIONS,
    )
    op.create_table(
        "stock_reservations",
        sa.Column("cycle_id", ID, primary_key=True),
        sa.Column("venue", CODE, primary_key=True),
        sa.Column("coin", CODE, primary_key=True),
        sa.Column("amount", AMOUNT, nullable=False),
        **OPTIONS,
    )
    _free_what_the_books_hold()


def _free_what_the_books_hold() -> None:
    postings = sa.table(
        "ledger_postings", sa.column("entry_id"), sa.column("account"), sa.column("asset"), sa.column("amount")
    )
    entries = sa.table("ledger_entries", sa.column("entry_id"), sa.column("cycle_id"))
    reservations = sa.table("reservations", sa.column("cycle_id"), sa.column("released_ms"))
    still_open = sa.select(reservations.c.cycle_id).where(reservations.c.released_ms.is_(None))
    query = (
        sa.select(postings.c.account, postings.c.asset, postings.c.amount)
        .join(entries, entries.c.entry_id == postings.c.entry_id)
        .where(
            postings.c.account.in_(CASH),
            sa.or_(entries.c.cycle_id.is_(None), entries.c.cycle_id.not_in(still_open)),
        )
    )
    held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for account, asset, amount in op.get_bind().execute(query):
        if CASH[account] != asset:
            held[account, asset] += Decimal(amount)
    stock = sa.table("stock", sa.column("venue"), sa.column("coin"), sa.column("free"))
    for (venue, coin), amount in held.items():
        op.execute(sa.insert(stock).values(venue=venue, coin=coin, free=f"{amount:f}"))
