"""Since when a cycle waits, and when it looks again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Both empty for a cycle that does not wait."""
    with op.batch_alter_table("cycles") as cycles:
        cycles.add_column(sa.Column("waiting_since_ms", sa.BigInteger()))
        cycles.add_column(sa.Column("next_check_ms", sa.BigInteger()))
