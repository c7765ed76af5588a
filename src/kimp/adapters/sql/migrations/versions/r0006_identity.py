"""The installation's id, and withdrawals that were bound because they look like ours."""

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import CODE, MS, OPTIONS

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """The first initiator that starts makes the id; cycles that are open meanwhile end without one."""
    op.create_table(
        "installation",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("id", CODE, nullable=False),
        sa.Column("made_ms", MS, nullable=False),
        **OPTIONS,
    )
    with op.batch_alter_table("withdrawal_intents") as intents:
        intents.add_column(sa.Column("likely", sa.Integer()))
