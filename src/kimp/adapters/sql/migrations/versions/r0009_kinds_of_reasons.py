"""What a cycle waits or is parked for, as a value to count by."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Empty for a cycle that neither waits nor is parked, or began to before there was such a thing."""
    with op.batch_alter_table("cycles") as cycles:
        cycles.add_column(sa.Column("reason_kind", sa.String(64)))
