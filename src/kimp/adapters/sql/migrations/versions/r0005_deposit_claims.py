"""Which transfer a venue's deposit belongs to."""

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import AMOUNT, CODE, ID, LONG_ID, OPTIONS

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Transfers that are under way meanwhile write theirs when they ask next."""
    op.create_table(
        "deposit_claims",
        sa.Column("transfer_id", ID, primary_key=True),
        sa.Column("cycle_id", ID, nullable=False),
        sa.Column("venue", CODE, nullable=False),
        sa.Column("txid", sa.String(255), nullable=False),
        sa.Column("arrives", AMOUNT, nullable=False),
        sa.Column("deposit_id", LONG_ID),
        sa.UniqueConstraint("venue", "deposit_id", name="uq_deposit_claims_venue_deposit_id"),
        **OPTIONS,
    )
    op.create_index("ix_deposit_claims_txid", "deposit_claims", ["txid"])
