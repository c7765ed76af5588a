"""Which process does which work, and when it last said so."""

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import CODE, OPTIONS

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Processes of an earlier kimp say nothing."""
    op.create_table(
        "presence",
        sa.Column("identity", sa.String(255), primary_key=True),
        sa.Column("work", CODE, primary_key=True),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Integer, nullable=False),
        **OPTIONS,
    )
