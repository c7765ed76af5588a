"""Which losses and starts lie behind a resume, by the order they were written in instead of by anybody's clock."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

BEFORE = "(SELECT COALESCE(MAX(id), 0) FROM halts WHERE set_ms <= {at})"


def upgrade() -> None:
    """What is there already is put in order by its times."""
    with op.batch_alter_table("reservations") as table:
        table.add_column(sa.Column("made_under", sa.Integer))
        table.add_column(sa.Column("released_no", sa.BigInteger))
        table.add_column(sa.Column("released_under", sa.Integer))
    op.execute(f"UPDATE reservations SET made_under = {BEFORE.format(at='made_ms')}")  # noqa: S608 - no input
    released = f"released_no = released_ms, released_under = {BEFORE.format(at='released_ms')}"
    op.execute(f"UPDATE reservations SET {released} WHERE released_ms IS NOT NULL")  # noqa: S608 - no input
    with op.batch_alter_table("reservations") as table:
        table.alter_column("made_under", existing_type=sa.Integer, nullable=False)
    op.create_index("ix_reservations_released_no", "reservations", ["released_no"])
