"""Leave to trade real money, and which cycles were started by it."""

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import MS, OPTIONS

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Nothing is armed yet."""
    op.create_table(
        "arms",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("cap_krw", MS, nullable=False),
        sa.Column("until_ms", MS, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("set_by", sa.String(255), nullable=False),
        sa.Column("set_ms", MS, nullable=False),
        sa.Column("set_under", sa.Integer, nullable=False),
        **OPTIONS,
    )
    with op.batch_alter_table("reservations") as reservations:
        reservations.add_column(sa.Column("armed_by", sa.Integer))
