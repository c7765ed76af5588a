"""Cash that is set aside for cycles, and one unanswered withdrawal per venue and coin."""

from collections import defaultdict
from decimal import Decimal

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import AMOUNT, CODE, ID, MS, OPTIONS

revision = "0003"
down_revision = "0002"

CASH = {"upbit": "KRW", "binance": "USDT"}


def upgrade() -> None:
    """Cycles that are open meanwhile hold no reservation: end them first. What the books hold is free."""
    op.create_table(
        "capital",
        sa.Column("venue", CODE, primary_key=True),
        sa.Column("asset", CODE, nullable=False),
        sa.Column("free", AMOUNT, nullable=False),
        **OPTIONS,
    )
    op.create_table(
        "reservations",
        sa.Column("cycle_id", ID, primary_key=True),
        sa.Column("venue", CODE, nullable=False),
        sa.Column("asset", CODE, nullable=False),
        sa.Column("amount", AMOUNT, nullable=False),
        sa.Column("stake_krw", MS, nullable=False),
        sa.Column("made_ms", MS, nullable=False),
        sa.Column("released_ms", MS),
        sa.Column("result_krw", MS),
        **OPTIONS,
    )
    op.create_index("ix_reservations_made_ms", "reservations", ["made_ms"])
    op.create_index("ix_reservations_released_ms", "reservations", ["released_ms"])
    with op.batch_alter_table("withdrawal_intents") as intents:
        intents.add_column(sa.Column("unanswered", ID))
        intents.add_column(sa.Column("reason", sa.Text()))
        intents.create_unique_constraint("uq_withdrawal_intents_unanswered", ["unanswered"])
    op.add_column("order_intents", sa.Column("adopted_ms", MS))
    op.create_index("ix_order_intents_outcome_first_asked_ms", "order_intents", ["outcome", "first_asked_ms"])
    for table in ("order_intents", "withdrawal_intents", "ledger_entries"):
        op.create_index(f"ix_{table}_cycle_id", table, ["cycle_id"])
    _free_what_the_books_hold()


def _free_what_the_books_hold() -> None:
    postings = sa.table("ledger_postings", sa.column("account"), sa.column("asset"), sa.column("amount"))
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for account, asset, amount in op.get_bind().execute(sa.select(postings)):
        if CASH.get(account) == asset:
            held[account] += Decimal(amount)
    capital = sa.table("capital", sa.column("venue"), sa.column("asset"), sa.column("free"))
    for venue, amount in held.items():
        op.execute(sa.insert(capital).values(venue=venue, asset=CASH[venue], free=f"{amount:f}"))
