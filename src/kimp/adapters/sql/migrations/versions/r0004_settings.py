"""Trading settings that change at run time, and the version that each cycle lives by."""

import sqlalchemy as sa
from alembic import op

from kimp.adapters.sql.migrations.versions.r0001_first_tables import MS, OPTIONS

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """No version: the configuration alone, which is also what earlier cycles lived by."""
    op.create_table(
        "settings_versions",
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("set_by", sa.String(255), nullable=False),
        sa.Column("set_ms", MS, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        **OPTIONS,
    )
    with op.batch_alter_table("cycles") as cycles:
        cycles.add_column(sa.Column("settings_version", sa.Integer()))
