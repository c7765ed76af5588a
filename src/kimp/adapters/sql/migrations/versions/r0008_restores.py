"""From when on a restored database lacked what was traded; orders and ended cycles are found by their time."""

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import MS, OPTIONS

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """No mark: no catch-up is under way."""
    op.create_table(
        "restores",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("newest_ms", MS, nullable=False),
        sa.Column("marked_ms", MS, nullable=False),
        sa.Column("done_ms", MS),
        **OPTIONS,
    )
    op.create_index("ix_order_intents_first_asked_ms", "order_intents", ["first_asked_ms"])
    op.create_index("ix_withdrawal_intents_first_asked_ms", "withdrawal_intents", ["first_asked_ms"])
    op.create_index("ix_cycles_closed_ms", "cycles", ["closed_ms"])
